namespace KafkaOracleOrleans.Processing.Expressions;

/// <summary>How large an expression and what it makes may be.</summary>
public static class ExpressionLimits
{
    /// <summary>The longest text, in characters. Longer: KOR3002.</summary>
    public const int MaxLength = 32_768;

    /// <summary>The deepest nesting of operators and calls. Deeper: KOR3002. Chains of AND, OR and || count as one level.</summary>
    public const int MaxDepth = 150;

    /// <summary>The most literals, fields, operators and calls. More: KOR3002.</summary>
    public const int MaxNodes = 5_000;

    /// <summary>The longest string a function may make, in bytes of UTF-8. Longer: the record fails with KOR3105.</summary>
    public const int MaxStringBytes = 1 << 20;

    /// <summary>What all strings made for one row may take together, in bytes. More: the record fails with KOR3105.</summary>
    public const int MaxScratchBytes = 16 << 20;
}
