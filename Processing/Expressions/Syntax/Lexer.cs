using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

/// <summary>Cuts a text into tokens. A fault is reported and what remains is read on where that makes sense.</summary>
internal sealed class Lexer(string text, FaultList diagnostics)
{
    private static readonly HashSet<string> Keywords = new(StringComparer.OrdinalIgnoreCase)
    {
        "AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "BETWEEN", "IN", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "END",
    };

    private static readonly string[] Symbols =
        ["<>", "!=", "<=", ">=", "||", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", "."];

    private readonly List<Token> _tokens = [];
    private int _at;

    /// <summary>True for a word that cannot be a field's name without double quotes.</summary>
    public static bool IsReserved(string word) => Keywords.Contains(word);

    /// <summary>All tokens, the last of kind <see cref="TokenKind.End"/>.</summary>
    public IReadOnlyList<Token> Read()
    {
        while (!diagnostics.Stopped)
        {
            SkipSpace();
            if (_at >= text.Length) break;
            var c = text[_at];
            if (IsNameStart(c)) ReadName();
            else if (char.IsAsciiDigit(c) || (c == '.' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1])))
                ReadNumber();
            else if (c == '\'') ReadQuoted('\'', TokenKind.Text, "text");
            else if (c == '"') ReadQuoted('"', TokenKind.QuotedIdentifier, "name");
            else ReadSymbol();
        }
        _tokens.Add(new Token(TokenKind.End, "", new TextSpan(text.Length, 0)));
        return _tokens;
    }

    private static bool IsNameStart(char c) => char.IsLetter(c) || c == '_' || char.IsSurrogate(c);

    private static bool IsNamePart(char c) => IsNameStart(c) || char.IsAsciiDigit(c) || c == '$';

    private void SkipSpace()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(text[_at]))
            {
                _at++;
            }
            else if (text[_at] == '-' && _at + 1 < text.Length && text[_at + 1] == '-')
            {
                while (_at < text.Length && text[_at] != '\n') _at++;
            }
            else
            {
                return;
            }
        }
    }

    private void Add(TokenKind kind, string value, int start) =>
        _tokens.Add(new Token(kind, value, new TextSpan(start, _at - start)));

    private void ReadName()
    {
        var start = _at;
        while (_at < text.Length && IsNamePart(text[_at])) _at++;
        var word = text[start.._at];
        if (Keywords.Contains(word)) Add(TokenKind.Keyword, word.ToUpperInvariant(), start);
        else Add(TokenKind.Identifier, word, start);
    }

    private void ReadNumber()
    {
        var start = _at;
        var kind = TokenKind.Integer;
        SkipDigits();
        if (_at < text.Length && text[_at] == '.')
        {
            kind = TokenKind.Decimal;
            _at++;
            SkipDigits();
        }
        if (_at < text.Length && text[_at] is 'e' or 'E')
        {
            var sign = _at + 1 < text.Length && text[_at + 1] is '+' or '-' ? 1 : 0;
            if (_at + 1 + sign < text.Length && char.IsAsciiDigit(text[_at + 1 + sign]))
            {
                kind = TokenKind.Double;
                _at += 1 + sign;
                SkipDigits();
            }
        }
        var number = text[start.._at];
        if (_at < text.Length && IsNamePart(text[_at]))
        {
            while (_at < text.Length && IsNamePart(text[_at])) _at++;
            var word = text[start.._at];
            var suggestion = Durations.TryParse(word, out _) ? $"INTERVAL '{word}'" : null;
            diagnostics.Syntax(new TextSpan(start, _at - start), ErrorCode.BadNumber, $"'{word}' is not a number.", suggestion);
            return;
        }
        Add(kind, number, start);
    }

    private void SkipDigits()
    {
        while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
    }

    private void ReadQuoted(char quote, TokenKind kind, string what)
    {
        var start = _at++;
        var value = new StringBuilder();
        while (_at < text.Length)
        {
            var c = text[_at++];
            if (c != quote)
            {
                value.Append(c);
                continue;
            }
            if (_at >= text.Length || text[_at] != quote)
            {
                Finish(kind, value.ToString(), start);
                return;
            }
            value.Append(quote);
            _at++;
        }
        diagnostics.Syntax(
            new TextSpan(start, text.Length - start), ErrorCode.Unterminated,
            string.Create(CultureInfo.InvariantCulture, $"The {what} that begins here has no closing {quote}."), null);
    }

    private void Finish(TokenKind kind, string value, int start)
    {
        var span = new TextSpan(start, _at - start);
        if (kind == TokenKind.QuotedIdentifier && value.Length == 0)
            diagnostics.Syntax(span, ErrorCode.UnexpectedToken, "A name in double quotes must not be empty.", "''");
        else if (value.Contains('\0', StringComparison.Ordinal) || !IsWellFormed(value))
            diagnostics.Syntax(span, ErrorCode.BadCharacter, "Text must be well-formed Unicode without U+0000.", null);
        else
            Add(kind, value, start);
    }

    private static bool IsWellFormed(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (!char.IsSurrogate(value[i])) continue;
            if (i + 1 >= value.Length || !char.IsSurrogatePair(value[i], value[i + 1])) return false;
            i++;
        }
        return true;
    }

    private void ReadSymbol()
    {
        var start = _at;
        foreach (var (foreign, sql) in Foreign)
        {
            if (string.CompareOrdinal(text, _at, foreign, 0, foreign.Length) != 0) continue;
            if (foreign == "!" && _at + 1 < text.Length && text[_at + 1] == '=') continue;
            _at += foreign.Length;
            diagnostics.Add(
                new TextSpan(start, foreign.Length), ErrorCode.ForeignOperator, $"'{foreign}' is not an operator here.", sql);
            var kind = char.IsAsciiLetter(sql[0]) ? TokenKind.Keyword : TokenKind.Symbol;
            _tokens.Add(new Token(kind, sql, new TextSpan(start, foreign.Length)));
            return;
        }
        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(text, _at, symbol, 0, symbol.Length) != 0) continue;
            _at += symbol.Length;
            Add(TokenKind.Symbol, symbol == "!=" ? "<>" : symbol, start);
            return;
        }
        _at++;
        diagnostics.Syntax(
            new TextSpan(start, 1), ErrorCode.BadCharacter,
            char.IsControl(text[start])
                ? string.Create(CultureInfo.InvariantCulture, $"The control character U+{(int)text[start]:X4} has no meaning here.")
                : $"'{text[start]}' has no meaning here.",
            text[start] is '`' or '[' ? "\"name\"" : null);
    }

    /// <summary>Operators of other languages, and SQL's.</summary>
    private static readonly (string Foreign, string Sql)[] Foreign =
        [("==", "="), ("&&", "AND"), ("!", "NOT"), ("=<", "<="), ("=>", ">=")];
}
