using System.Globalization;

namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

/// <summary>
/// Reads an expression by operator precedence (Pratt). The first fault of syntax ends the reading; what was read before it
/// is kept, so that its names and types can still be checked.
/// </summary>
internal sealed partial class Parser
{
    private const int PrecedenceOr = 1;
    private const int PrecedenceAnd = 2;
    private const int PrecedenceNot = 3;
    private const int PrecedenceIs = 4;
    private const int PrecedenceCompare = 5;
    private const int PrecedenceRange = 6;
    private const int PrecedenceConcat = 7;
    private const int PrecedenceAdd = 8;
    private const int PrecedenceMultiply = 9;
    private const int PrecedenceUnary = 10;

    private readonly IReadOnlyList<Token> _tokens;
    private readonly FaultList _diagnostics;
    private readonly string _text;
    private int _at;
    private int _nodes;
    private int _nesting;
    private bool _stopped;

    private Parser(string text, FaultList diagnostics)
    {
        _text = text;
        _diagnostics = diagnostics;
        _tokens = new Lexer(text, diagnostics).Read();
    }

    private Token Current => _tokens[_stopped ? ^1 : _at];

    /// <summary>Parses a text; faults go to <paramref name="diagnostics"/>.</summary>
    public static Syntax Parse(string text, FaultList diagnostics)
    {
        var parser = new Parser(text, diagnostics);
        if (parser._tokens.Count == 1 && !diagnostics.Stopped)
        {
            diagnostics.Syntax(new TextSpan(0, text.Length), ErrorCode.Empty, "The expression is empty.", null);
            return new ErrorSyntax(new TextSpan(0, text.Length));
        }
        // A fault of the lexer ends the tokens; those before it are still read, the end they lead to is not a second fault.
        var expression = parser.ReadExpression(0);
        if (parser.Current.Kind != TokenKind.End) parser.Unexpected("an operator or the end");
        return expression;
    }

    private Syntax ReadExpression(int minimum)
    {
        if (++_nesting > ExpressionLimits.MaxDepth)
        {
            TooDeep(Current.Span);
            _nesting--;
            return new ErrorSyntax(Current.Span);
        }
        var left = ReadPrefix();
        while (ReadInfix(left, minimum) is { } next) left = next;
        _nesting--;
        return left;
    }

    private Syntax ReadPrefix()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Integer or TokenKind.Decimal or TokenKind.Double:
                return ReadNumber(token);
            case TokenKind.Text:
                Next();
                return Build(new LiteralSyntax(token.Span, token.Value));
            case TokenKind.QuotedIdentifier:
                Next();
                return Build(new FieldSyntax(token.Span, token.Value, true));
            case TokenKind.Identifier:
                return ReadName(token);
            case TokenKind.Symbol when token.Value is "-" or "+":
                return ReadSign(token);
            case TokenKind.Symbol when token.Value == "(":
                Next();
                var inner = ReadExpression(0);
                Expect(")", token.Span);
                return inner;
            case TokenKind.Keyword:
                return ReadKeyword(token);
            default:
                Unexpected("a value");
                return new ErrorSyntax(token.Span);
        }
    }

    private Syntax ReadKeyword(Token token)
    {
        switch (token.Value)
        {
            case "NULL":
                Next();
                return Build(new LiteralSyntax(token.Span, null));
            case "TRUE" or "FALSE":
                Next();
                return Build(new LiteralSyntax(token.Span, token.Value == "TRUE"));
            case "NOT":
                Next();
                var operand = ReadExpression(PrecedenceNot);
                return Build(new UnarySyntax(token.Span.To(operand.Span), "NOT", operand), operand);
            case "CASE":
                return ReadCase(token);
            default:
                Unexpected("a value");
                return new ErrorSyntax(token.Span);
        }
    }

    private Syntax ReadSign(Token token)
    {
        Next();
        // The sign belongs to a literal, so that -9223372036854775808 is an integer.
        if (token.Value == "-" && Current.Kind is TokenKind.Integer or TokenKind.Decimal or TokenKind.Double)
            return ReadNumber(Current, token);
        var operand = ReadExpression(PrecedenceUnary);
        return Build(new UnarySyntax(token.Span.To(operand.Span), token.Value, operand), operand);
    }

    private Syntax ReadNumber(Token token, Token? minus = null)
    {
        Next();
        var span = minus is { } sign ? sign.Span.To(token.Span) : token.Span;
        var digits = minus is null ? token.Value : "-" + token.Value;
        if (token.Kind == TokenKind.Double)
        {
            var number = double.Parse(digits, CultureInfo.InvariantCulture);
            if (double.IsFinite(number)) return Build(new LiteralSyntax(span, number));
            return BadNumber(span, "The number is too large for a double (at most about 1.8e308).");
        }
        if (token.Kind == TokenKind.Integer && long.TryParse(digits, CultureInfo.InvariantCulture, out var integer))
            return Build(new LiteralSyntax(span, integer));
        var significant = token.Value.Replace(".", "", StringComparison.Ordinal).TrimStart('0').Length;
        var point = token.Value.IndexOf('.', StringComparison.Ordinal);
        var scale = point < 0 ? 0 : token.Value.Length - point - 1;
        if (significant > 28 || scale > 28)
            return BadNumber(span, "The number has more than 28 digits; write it as a double, e.g. 1.5e30.");
        return Build(new LiteralSyntax(span, decimal.Parse(digits, NumberStyles.Number, CultureInfo.InvariantCulture)));
    }

    private ErrorSyntax BadNumber(TextSpan span, string message)
    {
        _diagnostics.Add(span, ErrorCode.BadNumber, message);
        return new ErrorSyntax(span);
    }

    private Syntax? ReadInfix(Syntax left, int minimum)
    {
        var token = Current;
        if (token.Kind is not (TokenKind.Symbol or TokenKind.Keyword)) return null;
        switch (token.Value)
        {
            case "OR" when minimum <= PrecedenceOr - 1:
                return ReadChain(left, "OR", PrecedenceOr);
            case "AND" when minimum <= PrecedenceAnd - 1:
                return ReadChain(left, "AND", PrecedenceAnd);
            case "||" when minimum <= PrecedenceConcat - 1:
                return ReadChain(left, "||", PrecedenceConcat);
            case "IS" when minimum <= PrecedenceIs - 1:
                return ReadIs(left);
            case "=" or "<>" or "<" or "<=" or ">" or ">=" when minimum <= PrecedenceCompare - 1:
                return ReadBinary(left, token.Value, PrecedenceCompare);
            case "NOT" or "BETWEEN" or "IN" or "LIKE" when minimum <= PrecedenceRange - 1:
                return ReadRange(left);
            case "+" or "-" when minimum <= PrecedenceAdd - 1:
                return ReadBinary(left, token.Value, PrecedenceAdd);
            case "*" or "/" or "%" when minimum <= PrecedenceMultiply - 1:
                return ReadBinary(left, token.Value, PrecedenceMultiply);
            default:
                return null;
        }
    }

    private BinarySyntax ReadBinary(Syntax left, string op, int precedence)
    {
        Next();
        var right = ReadExpression(precedence);
        return Build(new BinarySyntax(left.Span.To(right.Span), op, left, right), left, right);
    }

    private ChainSyntax ReadChain(Syntax left, string op, int precedence)
    {
        var operands = new List<Syntax> { left };
        while (Current.Kind != TokenKind.End && string.Equals(Current.Value, op, StringComparison.Ordinal)
            && Current.Kind is TokenKind.Keyword or TokenKind.Symbol)
        {
            Next();
            operands.Add(ReadExpression(precedence));
        }
        return Build(new ChainSyntax(left.Span.To(operands[^1].Span), op, operands), [.. operands]);
    }

    private Syntax ReadIs(Syntax left)
    {
        Next();
        var negated = TakeKeyword("NOT");
        var token = Current;
        if (token.Kind == TokenKind.Keyword && token.Value is "NULL" or "TRUE" or "FALSE")
        {
            Next();
            return Build(new IsSyntax(left.Span.To(token.Span), left, token.Value, negated), left);
        }
        if (token.IsWord("DISTINCT"))
        {
            Next();
            if (!Current.IsWord("FROM"))
            {
                Unexpected("FROM");
                return left;
            }
            Next();
            var right = ReadExpression(PrecedenceCompare);
            var op = negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM";
            return Build(new BinarySyntax(left.Span.To(right.Span), op, left, right), left, right);
        }
        Unexpected("NULL, TRUE, FALSE or DISTINCT FROM");
        return left;
    }

    private Syntax ReadRange(Syntax left)
    {
        var negated = TakeKeyword("NOT");
        if (TakeKeyword("BETWEEN"))
        {
            var low = ReadExpression(PrecedenceRange);
            if (!TakeKeyword("AND")) Unexpected("AND");
            var high = ReadExpression(PrecedenceRange);
            return Build(new BetweenSyntax(left.Span.To(high.Span), left, low, high, negated), left, low, high);
        }
        if (TakeKeyword("IN"))
        {
            var open = Current.Span;
            Expect("(", null);
            var items = new List<Syntax>();
            do items.Add(ReadExpression(0));
            while (TakeSymbol(","));
            var end = Current.Span;
            Expect(")", open);
            return Build(new InSyntax(left.Span.To(end), left, items, negated), [left, .. items]);
        }
        if (TakeKeyword("LIKE"))
        {
            var pattern = ReadExpression(PrecedenceRange);
            Syntax? escape = null;
            if (Current.IsWord("ESCAPE"))
            {
                Next();
                escape = ReadExpression(PrecedenceRange);
            }
            var span = left.Span.To((escape ?? pattern).Span);
            return Build(new LikeSyntax(span, left, pattern, escape, negated), left, pattern);
        }
        Unexpected("BETWEEN, IN or LIKE");
        return left;
    }

    private CaseSyntax ReadCase(Token start)
    {
        Next();
        var subject = Current.IsKeyword("WHEN") ? null : ReadExpression(0);
        var branches = new List<(Syntax When, Syntax Then)>();
        var all = new List<Syntax>();
        if (subject is not null) all.Add(subject);
        if (!Current.IsKeyword("WHEN")) Unexpected("WHEN");
        while (TakeKeyword("WHEN"))
        {
            var when = ReadExpression(0);
            if (!TakeKeyword("THEN")) Unexpected("THEN");
            var then = ReadExpression(0);
            branches.Add((when, then));
            all.Add(when);
            all.Add(then);
        }
        var otherwise = TakeKeyword("ELSE") ? ReadExpression(0) : null;
        if (otherwise is not null) all.Add(otherwise);
        var end = Current.Span;
        if (!TakeKeyword("END")) Unexpected(otherwise is null ? "WHEN, ELSE or END" : "END");
        return Build(new CaseSyntax(start.Span.To(end), subject, branches, otherwise), [.. all]);
    }

    private T Build<T>(T syntax, params ReadOnlySpan<Syntax> children)
        where T : Syntax
    {
        var depth = 0;
        foreach (var child in children) depth = Math.Max(depth, child.Depth);
        syntax.Depth = depth + 1;
        if (syntax.Depth > ExpressionLimits.MaxDepth) TooDeep(syntax.Span);
        if (++_nodes > ExpressionLimits.MaxNodes)
        {
            Stop(
                syntax.Span, ErrorCode.Limit,
                string.Create(CultureInfo.InvariantCulture, $"The expression has more than {ExpressionLimits.MaxNodes} parts."));
        }
        return syntax;
    }

    private void TooDeep(TextSpan span) => Stop(
        span, ErrorCode.Limit,
        string.Create(CultureInfo.InvariantCulture, $"The expression is nested more than {ExpressionLimits.MaxDepth} levels deep."));

    /// <summary>Notes a fault and goes to the end: everything still open closes by itself.</summary>
    private void Stop(TextSpan span, string code, string message, string? suggestion = null)
    {
        _diagnostics.Syntax(span, code, message, suggestion);
        _stopped = true;
    }

    private void Next()
    {
        if (!_stopped && _at < _tokens.Count - 1) _at++;
    }

    private bool TakeKeyword(string keyword)
    {
        if (!Current.IsKeyword(keyword)) return false;
        Next();
        return true;
    }

    private bool TakeSymbol(string symbol)
    {
        if (!Current.IsSymbol(symbol)) return false;
        Next();
        return true;
    }

    private void Expect(string symbol, TextSpan? opened)
    {
        if (_stopped || TakeSymbol(symbol)) return;
        var expected = opened is { } span
            ? string.Create(CultureInfo.InvariantCulture, $"'{symbol}' for the '{_text[span.Start]}' at character {span.Start + 1}")
            : $"'{symbol}'";
        Unexpected(expected);
    }

    private void Unexpected(string expected)
    {
        var token = Current;
        var found = token.Kind == TokenKind.End ? "the end" : $"'{_text.Substring(token.Span.Start, token.Span.Length)}'";
        string? suggestion = null;
        if (token.Kind == TokenKind.Keyword && expected == "a value")
            suggestion = $"\"{_text.Substring(token.Span.Start, token.Span.Length)}\"";
        Stop(token.Span, ErrorCode.UnexpectedToken, $"Expected {expected}, found {found}.", suggestion);
    }
}
