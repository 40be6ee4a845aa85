using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// What the code of one evaluation shares: the first failure of the current row, whether the last call gave NULL, and scratch
/// memory for the strings made for the row. Used by one evaluation at a time.
/// </summary>
internal sealed class EvaluationState
{
    public bool Failed;
    public long ProcessingTime;

    private static readonly string TooMuchWork =
        $"The expression goes through more than {ExpressionLimits.MaxWorkBytes >> 20} MiB of text for one record.";

    private string _code = "";
    private string _message = "";
    private bool _resultIsNull;
    private byte[] _scratch = [];
    private int _used;
    private long _usedByRow;
    private long _work;
    private long _workOfRows;

    /// <summary>What an evaluation that somebody waits for may use up; null in pipelines.</summary>
    public WorkBudget? Budget;

    /// <summary>How much work a row may do.</summary>
    public long MaxWork = ExpressionLimits.MaxWorkBytes;

    /// <summary>The work of all rows, in bytes looked at or made.</summary>
    public long TotalWork => _workOfRows + _work;

    /// <summary>How much scratch memory is held, bytes.</summary>
    public int ScratchBytes => _scratch.Length;

    public string Code => _code;

    public string Message => _message;

    /// <summary>Rows that a filter has no use for are written here.</summary>
    public Selection Discard { get; } = new();

    /// <summary>Notes that the row fails. The first failure of a row counts.</summary>
    public void Fail(string code, string message)
    {
        if (Failed) return;
        Failed = true;
        _code = code;
        _message = message;
    }

    /// <summary>Notes that the call in progress gives NULL.</summary>
    public void GiveNull() => _resultIsNull = true;

    /// <summary>Whether the call just made gave NULL, which is forgotten by asking.</summary>
    public bool TakeNull()
    {
        var result = _resultIsNull;
        _resultIsNull = false;
        return result;
    }

    /// <summary>Begins the next row: its failure is reported, its scratch memory is free again.</summary>
    public void Report(int row, RowErrors errors, string place)
    {
        errors.Add(row, _code, place, _message);
        Failed = false;
    }

    /// <summary>Frees the scratch memory of the row, and begins to count anew.</summary>
    public void EndRow()
    {
        _used = 0;
        _usedByRow = 0;
        _workOfRows += _work;
        _work = 0;
    }

    /// <summary>
    /// Counts work that is about to be done, in bytes looked at. False when the row has done too much: it fails, and the work must not be done.
    /// </summary>
    public bool Charge(long bytes)
    {
        _work += bytes;
        if (_work > MaxWork)
        {
            Fail(ErrorCode.TooMuchWork, TooMuchWork);
            return false;
        }

        Budget?.Work(bytes);
        return true;
    }

    /// <summary>Room for a string of up to so many bytes; fails the row when it would be too much.</summary>
    public bool TryReserve(long maxBytes, out Span<byte> room)
    {
        if (maxBytes > ExpressionLimits.MaxStringBytes * 4L || _usedByRow + maxBytes > ExpressionLimits.MaxScratchBytes)
        {
            FailTooLong();
            room = default;
            return false;
        }
        // Strings made before stay where they are, in the array that is replaced here.
        if (_scratch.Length - _used < maxBytes)
        {
            _scratch = new byte[(int)Math.Max(maxBytes, Math.Max(1024, _scratch.Length * 2L))];
            _used = 0;
        }
        room = _scratch.AsSpan(_used, (int)maxBytes);
        return true;
    }

    /// <summary>Makes the first bytes of what was reserved last a string.</summary>
    public Utf8Slice Commit(int length)
    {
        if (length > ExpressionLimits.MaxStringBytes)
        {
            FailTooLong();
            return Utf8Slice.Empty;
        }
        var slice = new Utf8Slice(_scratch, _used, length);
        _used += length;
        _usedByRow += length;
        _work += length;
        return slice;
    }

    /// <summary>Copies bytes into scratch memory.</summary>
    public Utf8Slice Copy(ReadOnlySpan<byte> bytes)
    {
        if (!TryReserve(bytes.Length, out var room)) return Utf8Slice.Empty;
        bytes.CopyTo(room);
        return Commit(bytes.Length);
    }

    /// <summary>Notes that the row fails because it makes too long a string.</summary>
    public void FailTooLong() => Fail(ErrorCode.TooLong, "A string longer than 1 MiB, or strings of more than 16 MiB in all.");
}
