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

    private string _code = "";
    private string _message = "";
    private bool _resultIsNull;
    private byte[] _scratch = [];
    private int _used;
    private long _usedByRow;

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

    /// <summary>Frees the scratch memory of the row.</summary>
    public void EndRow()
    {
        _used = 0;
        _usedByRow = 0;
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
        return slice;
    }

    /// <summary>Copies bytes into scratch memory.</summary>
    public Utf8Slice Copy(ReadOnlySpan<byte> bytes)
    {
        if (!TryReserve(bytes.Length, out var room)) return Utf8Slice.Empty;
        bytes.CopyTo(room);
        return Commit(bytes.Length);
    }

    private void FailTooLong() => Fail(ErrorCode.TooLong, "A string longer than 1 MiB, or strings of more than 16 MiB in all.");
}
