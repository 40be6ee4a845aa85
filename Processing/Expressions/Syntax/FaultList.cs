namespace KafkaOracleOrleans.Processing.Expressions.Syntax;

/// <summary>Collects the faults of one expression.</summary>
internal sealed class FaultList
{
    private const int MaxErrors = 50;

    private readonly List<ExpressionError> _errors = [];

    /// <summary>True after a fault that reading cannot go on behind.</summary>
    public bool Stopped { get; private set; }

    public bool HasErrors => _errors.Count != 0;

    /// <summary>The faults in the order of the text.</summary>
    public IReadOnlyList<ExpressionError> Ordered => [.. _errors.OrderBy(error => error.Position)];

    /// <summary>Notes a fault and goes on.</summary>
    public void Add(TextSpan span, string code, string message, string? suggestion = null)
    {
        if (_errors.Count < MaxErrors)
            _errors.Add(new ExpressionError(code, span.Start, span.Length, message, suggestion));
    }

    /// <summary>Notes a fault of syntax, unless one was noted before: the later ones would follow from it.</summary>
    public void Syntax(TextSpan span, string code, string message, string? suggestion)
    {
        if (Stopped) return;
        Stopped = true;
        Add(span, code, message, suggestion);
    }
}
