using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Hands rows to a C# transform and puts what it gives back where its input row was. A row that got no answer was
/// filtered; one that got two is refused, because a record is one row.
/// </summary>
internal sealed class CustomNode : RowNode
{
    private readonly CustomPlan _plan;
    private readonly Selection _spare = new();
    private CustomRequest? _request;
    private bool[] _answered = [];
    private bool[] _given = [];

    private CustomNode(CustomPlan plan, RowNode input, RowBlock block) : base(plan.Id, input, block) => _plan = plan;

    public static CustomNode Create(CustomPlan plan, RowNode input) => new(plan, input, new RowBlock(plan.Schema));

    public override void Reset(int rows)
    {
        Block.Reset(rows);
        _request = null;
        if (_answered.Length < rows) _answered = new bool[rows];
        if (_given.Length < rows) _given = new bool[rows];
        Array.Clear(_answered, 0, rows);
        Array.Clear(_given, 0, rows);
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        if (_request is null)
        {
            Selected.Clear();
            if (Input.Selected.Count == 0) return null;
            foreach (var row in Input.Selected.Span) _given[row] = true;
            return _request = new CustomRequest
            {
                Step = _plan, Rows = Input.Block, Selected = Input.Selected, Errors = scope.Errors,
            };
        }

        var result = _request.Result
            ?? throw new InvalidOperationException($"The transform of step '{Id}' was not answered.");
        var rows = _request.ResultRows
            ?? throw new InvalidOperationException($"The transform of step '{Id}' named no rows.");
        for (var i = 0; i < result.Count; i++) Take(result, i, rows[i], scope);
        foreach (var row in Input.Selected.Span)
        {
            if (_answered[row]) Selected.Add(row);
        }

        Selected = scope.Sound(Selected, _spare);
        return null;
    }

    private void Take(RowBlock result, int from, int row, BatchScope scope)
    {
        if ((uint)row >= (uint)scope.Count || !_given[row])
            throw new InvalidOperationException($"The transform of step '{Id}' gave a row for record {row}, which it was not given.");
        if (_answered[row])
        {
            scope.Errors.Add(row, "KOR4044", Id, "The transform gave more than one row for the record.");
            return;
        }

        _answered[row] = true;
        for (var i = 0; i < Block.Columns.Length; i++) Block.Columns[i].CopyFrom(result.Columns[i], from, row);
    }
}
