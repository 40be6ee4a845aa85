using CsCheck;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

public sealed class RowBlockCodecTests
{
    [Fact]
    public void Bytes_are_what_they_were_in_the_first_version()
    {
        var block = new RowBlock(
            new Schema(
                new Field("b", FieldType.Boolean), new Field("i", FieldType.Integer, false), new Field("d",
                    FieldType.Decimal(12, 2)),
                new Field("f", FieldType.Double), new Field("s", FieldType.String)), 2) { Count = 2 };
        ((BooleanColumn)block.Columns[0]).Set(0, true);
        block.Columns[0].SetNull(1);
        ((LongColumn)block.Columns[1]).Set(0, -1);
        ((LongColumn)block.Columns[1]).Set(1, 300);
        ((DecimalColumn)block.Columns[2]).Set(0, 12.50m);
        ((DecimalColumn)block.Columns[2]).Set(1, -1m);
        ((DoubleColumn)block.Columns[3]).Set(0, 0.5);
        block.Columns[3].SetNull(1);
        ((BinaryColumn)block.Columns[4]).Set(0, "é"u8);
        ((BinaryColumn)block.Columns[4]).Set(1, ""u8);

        Assert.Equal(
            "01" + "02" + "05" + "016201000001" + "016902000000" + "0164030C0201" + "016604000001" + "017305000001"
                + "0201" + "0001D804" + "00E2040000000000000000000000000200" + "01000000000000000000000000000080"
                + "02000000000000E03F" + "0002C3A900",
            Convert.ToHexString(RowBlockCodec.Encode(block)));
    }

    [Fact]
    public void Any_block_survives()
    {
        Blocks.Sample(block =>
        {
            var bytes = RowBlockCodec.Encode(block);
            var again = RowBlockCodec.Decode(bytes);
            Assert.Equal(block.Schema.Fields, again.Schema.Fields);
            Assert.Equal(block.Count, again.Count);
            for (var row = 0; row < block.Count; row++)
            {
                for (var i = 0; i < block.Columns.Length; i++)
                    Assert.Equal(RawBatches.Show(block.Columns[i], row), RawBatches.Show(again.Columns[i], row));
            }

            Assert.Equal(bytes, RowBlockCodec.Encode(again));
        }, iter: 500);
    }

    [Fact]
    public void Cut_bytes_are_refused()
    {
        Blocks.Sample(block =>
        {
            var bytes = RowBlockCodec.Encode(block);
            for (var length = 0; length < bytes.Length; length += 1 + (bytes.Length / 40))
                Assert.Throws<CorruptStateException>(() => RowBlockCodec.Decode(bytes.AsSpan(0, length)));
            Assert.Throws<CorruptStateException>(() => RowBlockCodec.Decode([.. bytes, 0]));
        }, iter: 100);
    }

    [Fact]
    public void Damaged_bytes_are_refused_or_are_another_block_and_never_anything_else()
    {
        Gen.Select(Blocks, Gen.Int[0, 100_000], Gen.Byte).Sample((block, place, value) =>
        {
            var bytes = RowBlockCodec.Encode(block);
            bytes[place % bytes.Length] = value;
            var fault = Record.Exception(() => RowBlockCodec.Encode(RowBlockCodec.Decode(bytes)));
            Assert.True(fault is null or CorruptStateException, fault?.ToString());
        }, iter: 3000);
    }

    [Theory]
    [InlineData("", "ends too early")]
    [InlineData("02", "format version 2, this build reads 1")]
    [InlineData("01FFFFFFFF0F01", "the number of rows is 4294967295")]
    [InlineData("0180C2D72F02", "the number of fields is 2")]
    [InlineData("0180C2D72F01016102000000", "fewer bytes than rows")]
    [InlineData("010002016102000000016102000000", "the field 'a' twice")]
    [InlineData("0100010161090000000A", "bytes after the end")]
    [InlineData("010001016163000000", "unknown type")]
    [InlineData("0100010161030A0B00", "unknown type")]
    [InlineData("010101016101000000FE", "NULLs beyond the last row")]
    public void Faults_say_what_is_wrong(string hex, string message)
    {
        var fault = Assert.Throws<CorruptStateException>(() => RowBlockCodec.Decode(Convert.FromHexString(hex)));
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("row block: ", fault.Message, StringComparison.Ordinal);
    }

    private static readonly FieldType[] Types =
    [
        FieldType.Boolean, FieldType.Integer, FieldType.Decimal(28, 6), FieldType.Double, FieldType.String,
            FieldType.Timestamp,
        FieldType.Date, FieldType.Bytes, FieldType.Json,
    ];

    private static readonly Gen<RowBlock> Blocks =
        from types in Gen.Int[0, Types.Length - 1].Array[0, 6]
        from rows in Gen.Int[0, 40]
        from seed in Gen.Int
        select Make([.. types.Select(t => Types[t])], rows, new Random(seed));

    private static RowBlock Make(FieldType[] types, int rows, Random random)
    {
        var block = new RowBlock(new Schema([.. types.Select((t, i) => new Field($"f{i}", t))]), rows) { Count = rows };
        foreach (var column in block.Columns)
        {
            for (var row = 0; row < rows; row++)
            {
                if (random.Next(4) == 0) column.SetNull(row);
                else Set(column, row, random);
            }
        }

        return block;
    }

    private static void Set(Column column, int row, Random random)
    {
        switch (column)
        {
            case BooleanColumn c:
                c.Set(row, random.Next(2) == 0);
                break;
            case LongColumn c:
                c.Set(row, random.NextInt64(-60_000_000_000_000,
                    60_000_000_000_000) / (c.Type.Kind == FieldKind.Date ? 100_000_000 : 1));
                break;
            case DecimalColumn c:
                c.Set(row, new decimal(random.Next(), random.Next(), random.Next(10), random.Next(2) == 0,
                    (byte)random.Next(7)));
                break;
            case DoubleColumn c:
                c.Set(row, random.NextDouble() * Math.Pow(10, random.Next(-300, 300)));
                break;
            case BinaryColumn c:
                c.Set(row, System.Text.Encoding.UTF8.GetBytes(new string('ä', random.Next(30))));
                break;
        }
    }
}
