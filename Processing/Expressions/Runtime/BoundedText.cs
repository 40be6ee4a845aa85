using System.Buffers;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Text that grows up to a number of characters, in a rented buffer.</summary>
internal sealed class BoundedText(int maxChars) : IDisposable
{
    private char[] _buffer = ArrayPool<char>.Shared.Rent(256);
    private int _length;

    public ReadOnlySpan<char> Written => _buffer.AsSpan(0, _length);

    /// <summary>Appends a piece. False, and nothing appended, when it would be too much.</summary>
    public bool Append(ReadOnlySpan<char> piece)
    {
        if (piece.Length > maxChars - _length) return false;
        if (piece.Length > _buffer.Length - _length) Grow(_length + piece.Length);
        piece.CopyTo(_buffer.AsSpan(_length));
        _length += piece.Length;
        return true;
    }

    public void Dispose()
    {
        ArrayPool<char>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Grow(int needed)
    {
        var larger = ArrayPool<char>.Shared.Rent(Math.Max(needed, Math.Min(maxChars, _buffer.Length * 2)));
        Written.CopyTo(larger);
        ArrayPool<char>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
