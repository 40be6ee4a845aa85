namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

internal enum TokenKind : byte
{
    End,
    Identifier,
    QuotedIdentifier,
    Keyword,
    Text,
    Integer,
    Decimal,
    Double,
    Symbol,
}

/// <summary>Where something stands in the source text, in characters.</summary>
internal readonly record struct TextSpan(int Start, int Length)
{
    public int End => Start + Length;

    public TextSpan To(TextSpan other) => new(Start, Math.Max(End, other.End) - Start);
}

/// <summary>A token; <paramref name="Value"/> is the keyword in capitals, the symbol, the name or the unescaped text.</summary>
internal readonly record struct Token(TokenKind Kind, string Value, TextSpan Span)
{
    public bool IsKeyword(string keyword) =>
        Kind == TokenKind.Keyword && string.Equals(Value, keyword, StringComparison.Ordinal);

    public bool IsSymbol(string symbol) =>
        Kind == TokenKind.Symbol && string.Equals(Value, symbol, StringComparison.Ordinal);

    /// <summary>True for a word that is a keyword in this place only.</summary>
    public bool IsWord(string word) =>
        Kind == TokenKind.Identifier && string.Equals(Value, word, StringComparison.OrdinalIgnoreCase);
}
