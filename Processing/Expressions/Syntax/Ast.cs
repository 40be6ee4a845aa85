namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

/// <summary>The syntax of an expression, before names and types are known.</summary>
internal abstract record Syntax(TextSpan Span)
{
    /// <summary>Nodes on the longest way down, this one included.</summary>
    public int Depth { get; set; } = 1;
}

/// <summary>Stands where nothing could be parsed; the fault is already reported.</summary>
internal sealed record ErrorSyntax(TextSpan Span) : Syntax(Span);

/// <summary>A literal: NULL (null), bool, long, decimal with its digits, double, string.</summary>
internal sealed record LiteralSyntax(TextSpan Span, object? Value) : Syntax(Span);

/// <summary>TIMESTAMP '...', DATE '...' or INTERVAL '...' [unit].</summary>
internal sealed record TypedLiteralSyntax(TextSpan Span, string Type, string Text, TextSpan TextSpan, string? Unit)
    : Syntax(Span);

internal sealed record FieldSyntax(TextSpan Span, string Name, bool Quoted) : Syntax(Span);

internal sealed record CallSyntax(TextSpan Span, string Name, TextSpan NameSpan, IReadOnlyList<Syntax> Arguments)
    : Syntax(Span);

/// <summary>NOT x, -x, +x.</summary>
internal sealed record UnarySyntax(TextSpan Span, string Operator, Syntax Operand) : Syntax(Span);

/// <summary>Arithmetic, comparison, IS [NOT] DISTINCT FROM.</summary>
internal sealed record BinarySyntax(TextSpan Span, string Operator, Syntax Left, Syntax Right) : Syntax(Span);

/// <summary>AND, OR, ||: chains are kept flat so that long ones are not deep.</summary>
internal sealed record ChainSyntax(TextSpan Span, string Operator, IReadOnlyList<Syntax> Operands) : Syntax(Span);

/// <summary>x IS [NOT] NULL | TRUE | FALSE.</summary>
internal sealed record IsSyntax(TextSpan Span, Syntax Operand, string What, bool Negated) : Syntax(Span);

internal sealed record BetweenSyntax(TextSpan Span, Syntax Operand, Syntax Low, Syntax High, bool Negated) : Syntax(Span);

internal sealed record InSyntax(TextSpan Span, Syntax Operand, IReadOnlyList<Syntax> Items, bool Negated) : Syntax(Span);

internal sealed record LikeSyntax(TextSpan Span, Syntax Operand, Syntax Pattern, Syntax? Escape, bool Negated)
    : Syntax(Span);

/// <summary>CASE [subject] WHEN .. THEN .. [ELSE ..] END.</summary>
internal sealed record CaseSyntax(
    TextSpan Span, Syntax? Subject, IReadOnlyList<(Syntax When, Syntax Then)> Branches, Syntax? Else) : Syntax(Span);

/// <summary>CAST or TRY_CAST; precision and scale are -1 when not given.</summary>
internal sealed record CastSyntax(
    TextSpan Span, Syntax Operand, string TypeName, TextSpan TypeSpan, int Precision, int Scale, bool Try) : Syntax(Span);

/// <summary>EXTRACT(unit FROM x).</summary>
internal sealed record ExtractSyntax(TextSpan Span, string Unit, TextSpan UnitSpan, Syntax Operand) : Syntax(Span);
