using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>How <see cref="decimal"/> lies in memory: the layout of OLE's DECIMAL, which interop relies on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct DecimalBits(int flags, uint high, ulong low)
{
    /// <summary>The sign in bit 31, the scale in bits 16 to 23.</summary>
    public readonly int Flags = flags;
    public readonly uint High = high;
    public readonly ulong Low = low;

    public int Scale => (Flags >> 16) & 0xFF;
}
