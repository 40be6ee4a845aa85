using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// A property that fields ask for, or that lies on the way to one. It remembers in which order and spelling its own
/// properties came last, because the next record of a topic is nearly always written the same way: then one comparison
/// replaces the scanning of separator, name and colon.
/// </summary>
internal sealed class JsonNode(byte[] name)
{
    private const int MaxPredictions = 256;
    private const int MaxPredictionBytes = 96;

    private readonly List<JsonNode> _children = [];
    private Prediction[] _predictions = [];
    private int _predicted;

    /// <summary>The end of an object, in place of a child.</summary>
    public static readonly JsonNode End = new([]);

    /// <summary>The property's name in UTF-8.</summary>
    public byte[] Name { get; } = name;

    /// <summary>The fields that take this property's value.</summary>
    public List<FieldSlot> Slots { get; } = [];

    /// <summary>The only field that takes the value, when nothing lies beneath.</summary>
    public FieldSlot? OnlySlot;

    /// <summary>The record in which the property was last found.</summary>
    public long SeenAt;

    public IReadOnlyList<JsonNode> Children => _children;

    /// <summary>Builds the tree of the paths of fields.</summary>
    public static JsonNode Build(IEnumerable<FieldSlot> slots)
    {
        var root = new JsonNode([]);
        foreach (var slot in slots)
        {
            var node = root;
            foreach (var part in slot.Spec.Path) node = node.ChildFor(Encoding.UTF8.GetBytes(part));
            node.Slots.Add(slot);
        }

        root.Finish();
        return root;
    }

    /// <summary>The child of a name, or null.</summary>
    public JsonNode? Find(ReadOnlySpan<byte> name)
    {
        foreach (var child in _children)
        {
            if (child.Name.Length == name.Length && name.SequenceEqual(child.Name)) return child;
        }

        return null;
    }

    /// <summary>
    /// When the bytes at <paramref name="pos"/> are the separator, name and colon that came last time in place
    /// <paramref name="index"/> or the one after it, gives where the value starts; otherwise -1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Match(ReadOnlySpan<byte> text, int pos, ref int index, out JsonNode? child)
    {
        if ((uint)index < (uint)_predicted)
        {
            ref var prediction = ref _predictions[index];
            if (prediction.Matches(text, pos))
            {
                index++;
                child = prediction.Child;
                return pos + prediction.Length;
            }
        }

        return MatchNext(text, pos, ref index, out child);
    }

    /// <summary>Remembers what stood in a place.</summary>
    public void Learn(ReadOnlySpan<byte> prefix, int index, JsonNode? child)
    {
        if (index > _predicted || index >= MaxPredictions || prefix.Length > MaxPredictionBytes) return;
        if (index == _predictions.Length) Array.Resize(ref _predictions, Math.Max(8, index * 2));
        _predictions[index].Set(prefix, child);
        if (index == _predicted) _predicted++;
    }

    private int MatchNext(ReadOnlySpan<byte> text, int pos, ref int index, out JsonNode? child)
    {
        if (index + 1 < _predicted && _predictions[index + 1].Matches(text, pos))
        {
            child = _predictions[index + 1].Child;
            var length = _predictions[index + 1].Length;
            index += 2;
            return pos + length;
        }

        child = null;
        return -1;
    }

    private JsonNode ChildFor(byte[] part)
    {
        if (Find(part) is { } found) return found;
        var child = new JsonNode(part);
        _children.Add(child);
        return child;
    }

    private void Finish()
    {
        if (_children.Count == 0 && Slots.Count == 1) OnlySlot = Slots[0];
        foreach (var child in _children) child.Finish();
    }

    private struct Prediction
    {
        public JsonNode? Child;
        public int Length;
        private Vector128<byte> _head;
        private Vector128<byte> _mask;
        private byte[]? _bytes;

        public void Set(ReadOnlySpan<byte> prefix, JsonNode? child)
        {
            Child = child;
            Length = prefix.Length;
            _bytes ??= new byte[MaxPredictionBytes];
            prefix.CopyTo(_bytes);
            Span<byte> head = stackalloc byte[16];
            Span<byte> mask = stackalloc byte[16];
            head.Clear();
            mask.Clear();
            var count = Math.Min(16, prefix.Length);
            prefix[..count].CopyTo(head);
            mask[..count].Fill(0xFF);
            _head = Vector128.Create<byte>(head);
            _mask = Vector128.Create<byte>(mask);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly bool Matches(ReadOnlySpan<byte> text, int pos)
        {
            if (pos > text.Length - 16) return MatchesBytes(text, pos, 0);
            var bytes = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(text), (nuint)pos);
            if (((bytes ^ _head) & _mask) != Vector128<byte>.Zero) return false;
            return Length <= 16 || MatchesBytes(text, pos, 16);
        }

        private readonly bool MatchesBytes(ReadOnlySpan<byte> text, int pos, int from) =>
            text.Length - pos >= Length
                && text.Slice(pos + from, Length - from).SequenceEqual(_bytes.AsSpan(from, Length - from));
    }
}
