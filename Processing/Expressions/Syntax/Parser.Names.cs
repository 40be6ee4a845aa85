using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

/// <summary>What begins with a word: fields, calls, typed literals, CAST and EXTRACT.</summary>
internal sealed partial class Parser
{
    private Syntax ReadName(Token token)
    {
        var next = _tokens[Math.Min(_at + 1, _tokens.Count - 1)];
        if (next.Kind == TokenKind.Text && (token.IsWord("TIMESTAMP") || token.IsWord("DATE") || token.IsWord("INTERVAL")))
            return ReadTypedLiteral(token, next);
        if (next.IsSymbol("("))
        {
            Next();
            if (token.IsWord("CAST") || token.IsWord("TRY_CAST")) return ReadCast(token);
            return token.IsWord("EXTRACT") ? ReadExtract(token) : ReadCall(token);
        }
        Next();
        if (!Current.IsSymbol(".")) return Build(new FieldSyntax(token.Span, token.Value, false));
        var name = new StringBuilder(token.Value);
        var span = token.Span;
        while (TakeSymbol("."))
        {
            var part = Current;
            if (part.Kind is not (TokenKind.Identifier or TokenKind.QuotedIdentifier or TokenKind.Keyword))
            {
                Unexpected("a name after '.'");
                break;
            }
            Next();
            name.Append('.').Append(part.Kind == TokenKind.Keyword ? _text.Substring(part.Span.Start, part.Span.Length) : part.Value);
            span = span.To(part.Span);
        }
        return Build(new FieldSyntax(span, name.ToString(), false));
    }

    private TypedLiteralSyntax ReadTypedLiteral(Token type, Token text)
    {
        Next();
        Next();
        var span = type.Span.To(text.Span);
        string? unit = null;
        if (type.IsWord("INTERVAL") && Current.Kind == TokenKind.Identifier && !Current.IsWord("AS"))
        {
            unit = Current.Value;
            span = span.To(Current.Span);
            Next();
        }
        return Build(new TypedLiteralSyntax(span, type.Value.ToUpperInvariant(), text.Value, text.Span, unit));
    }

    private CallSyntax ReadCall(Token name)
    {
        var open = Current.Span;
        Next();
        var arguments = new List<Syntax>();
        var end = Current.Span;
        if (!TakeSymbol(")"))
        {
            do arguments.Add(ReadExpression(0));
            while (TakeSymbol(","));
            end = Current.Span;
            Expect(")", open);
        }
        return Build(new CallSyntax(name.Span.To(end), name.Value, name.Span, arguments), [.. arguments]);
    }

    private ExtractSyntax ReadExtract(Token name)
    {
        var open = Current.Span;
        Next();
        var unit = Current;
        if (unit.Kind is TokenKind.Identifier or TokenKind.Text) Next();
        else Unexpected("a unit, e.g. YEAR");
        if (Current.IsWord("FROM")) Next();
        else Unexpected("FROM");
        var operand = ReadExpression(0);
        var end = Current.Span;
        Expect(")", open);
        return Build(new ExtractSyntax(name.Span.To(end), unit.Value, unit.Span, operand), operand);
    }

    private CastSyntax ReadCast(Token name)
    {
        var open = Current.Span;
        Next();
        var operand = ReadExpression(0);
        if (Current.IsWord("AS")) Next();
        else Unexpected("AS");
        var type = Current;
        if (type.Kind == TokenKind.Identifier) Next();
        else Unexpected("a type");
        var typeSpan = type.Span;
        var precision = -1;
        var scale = -1;
        if (TakeSymbol("("))
        {
            precision = ReadSize();
            if (TakeSymbol(",")) scale = ReadSize();
            typeSpan = typeSpan.To(Current.Span);
            Expect(")", type.Span);
        }
        var end = Current.Span;
        Expect(")", open);
        var cast = new CastSyntax(
            name.Span.To(end), operand, _stopped ? "" : type.Value, typeSpan, precision, scale, name.IsWord("TRY_CAST"));
        return Build(cast, operand);
    }

    private int ReadSize()
    {
        var token = Current;
        if (token.Kind == TokenKind.Integer && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var size))
        {
            Next();
            return size;
        }
        Unexpected("a number of digits");
        return 0;
    }
}
