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

    /// <summary>
    /// How much work the functions of text may do for one row, in bytes looked at (a regular expression counts <see cref="RegexWork"/> for each). More: the
    /// record fails with KOR3107. It is counted and not timed, so that a replay fails the same records.
    /// </summary>
    public const long MaxWorkBytes = 256L << 20;

    /// <summary>What a regular expression counts for each byte of its text.</summary>
    public const int RegexWork = 8;

    /// <summary>Texts of up to so many bytes are not counted as work: not even the largest expression can do much with them.</summary>
    public const int FreeBytes = 256;

    /// <summary>The longest constant that is computed while compiling, in bytes. A longer one is computed row by row, so that definitions hold no memory.</summary>
    public const int MaxFoldedBytes = 4_096;

    /// <summary>How much work compiling one expression may put into constants, in bytes looked at. What is left is computed row by row.</summary>
    public const long MaxFoldWork = 4L << 20;

    /// <summary>Scratch memory that an expression keeps from one batch to the next, in bytes.</summary>
    public const int MaxKeptScratchBytes = 1 << 20;
}
