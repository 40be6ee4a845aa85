using CsCheck;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

public sealed class GroupKeyCodecTests
{
    private static readonly Schema AllKinds = new(
        new Field("b", FieldType.Boolean),
        new Field("i", FieldType.Integer),
        new Field("d", FieldType.Decimal(28, 6)),
        new Field("f", FieldType.Double),
        new Field("s", FieldType.String),
        new Field("t", FieldType.Timestamp),
        new Field("a", FieldType.Date),
        new Field("x", FieldType.Bytes),
        new Field("j", FieldType.Json));

    [Fact]
    public void Bytes_are_what_they_were_in_the_first_version()
    {
        var columns = Row(true, -2, 12.50m, 0.5, "eu,1", 1_767_225_600_123_456, 20_454, [0, 255], "[1]");
        var bytes = Encode(columns);

        Assert.Equal(
            "0101" + "02FEFFFFFFFFFFFFFF" + "03017D0000000000000000000000" + "04000000000000E03F" + "050465752C31"
                + "064022224648470600" + "07E64F000000000000" + "080200FF" + "09035B315D",
            Convert.ToHexString(bytes));
        Assert.Equal(
            "true,-2,12.5,0.5,eu~2C1,2026-01-01T00:00:00.123456Z,2026-01-01,AP8,~5B1~5D",
            GroupKeyCodec.ToText(bytes, AllKinds));
    }

    [Theory]
    [InlineData("", "2D06800538D394C2")]
    [InlineData("050A6465762D30303034333237", "65314946B7F636C5")]
    public void Hashes_never_change(string hex, string hash)
    {
        Assert.Equal(hash, GroupKeyCodec.Hash(Convert.FromHexString(hex)).ToString("X16"));
    }

    [Fact]
    public void Equal_values_have_equal_bytes_whatever_their_spelling()
    {
        var schema = new Schema(new Field("d", FieldType.Decimal(28, 6)), new Field("f", FieldType.Double));
        Assert.Equal(Parse("1.500000,0", schema), Parse("1.5,-0", schema));
        Assert.Equal(Parse("0.000,0", schema), Parse("-0,0.0", schema));
        Assert.NotEqual(Parse("1.5,0", schema), Parse("-1.5,0", schema));
        Assert.NotEqual(Parse("10,0", schema), Parse("1,0", schema));
    }

    [Fact]
    public void Null_empty_and_the_global_group_are_different()
    {
        var one = new Schema(new Field("s", FieldType.String));
        Assert.Equal("00", Convert.ToHexString(Parse("~n", one)));
        Assert.Equal("0500", Convert.ToHexString(Parse("~e", one)));
        Assert.Empty(Parse(GroupKeyCodec.GlobalText, Schema.Empty));
        Assert.Equal(GroupKeyCodec.GlobalText, GroupKeyCodec.ToText([], Schema.Empty));
        Assert.Equal("~2F", GroupKeyCodec.ToText([5, 1, (byte)'/'], one));
        Assert.Equal("~2E.", GroupKeyCodec.ToText([5, 2, (byte)'.', (byte)'.'], one));
    }

    [Theory]
    [InlineData("")]
    [InlineData("~")]
    [InlineData("~0")]
    [InlineData("~0g")]
    [InlineData("~ff")]
    [InlineData("a,b")]
    [InlineData("~FF")]
    [InlineData("é")]
    public void Text_that_is_no_key_is_refused(string text)
    {
        Assert.False(GroupKeyCodec.TryParse(text, new Schema(new Field("s", FieldType.String)), out _));
    }

    [Fact]
    public void Long_keys_have_bounded_and_distinct_identities()
    {
        var schema = new Schema(new Field("s", FieldType.String));
        var a = GroupKeyCodec.ToIdentity(Parse(new string('x', 5000) + "a", schema), schema);
        var b = GroupKeyCodec.ToIdentity(Parse(new string('x', 5000) + "b", schema), schema);
        Assert.Equal(GroupKeyCodec.MaxIdentityLength, a.Length);
        Assert.NotEqual(a, b);
    }

    [Fact]
    public void Any_key_survives_bytes_and_text()
    {
        Keys.Sample(columns =>
        {
            var bytes = Encode(columns);
            var text = GroupKeyCodec.ToText(bytes, AllKinds);
            Assert.DoesNotContain(text, c => !(char.IsAsciiLetterOrDigit(c) || ".,_-:@~".Contains(c)));
            Assert.True(GroupKeyCodec.TryParse(text, AllKinds, out var again));
            Assert.Equal(bytes, again);
            var decoded = new RowBlock(AllKinds, 1).Columns;
            GroupKeyCodec.Decode(bytes, AllKinds, decoded, 0);
            Assert.Equal(bytes, Encode(decoded));
        }, iter: 2000);
    }

    [Fact]
    public void Damaged_bytes_are_refused_and_never_anything_else()
    {
        var damage = Gen.Select(Keys, Gen.Int[0, 200], Gen.Byte, Gen.Int[0, 60]);
        damage.Sample((columns, place, value, cut) =>
        {
            var bytes = Encode(columns);
            ref var damaged = ref bytes[place % bytes.Length];
            var changed = damaged != value;
            damaged = value;
            var target = new RowBlock(AllKinds, 1).Columns;
            var fault = Record.Exception(() =>
                GroupKeyCodec.Decode(bytes.AsSpan(0, Math.Max(0, bytes.Length - cut)), AllKinds, target, 0));
            Assert.True(fault is CorruptStateException or null, fault?.ToString());

            // A key that is only cut is never another key. A changed byte may turn a value into a shorter one, so that the cut
            // falls on its end: such a key cannot be told from a sound one.
            if (cut > 0 && !changed) Assert.NotNull(fault);
        }, iter: 5000);
    }

    private static readonly Gen<Column[]> Keys =
        from nulls in Gen.Bool.Array[9]
        from b in Gen.Bool
        from i in Gen.Long
        from d in Gen.Select(Gen.Long, Gen.Int[0, 6]).Select((m, s) => new decimal((int)m, (int)(m >> 32), 0, m < 0, (byte)s))
        from f in Gen.Double.Where(double.IsFinite)
        from s in Gen.String.Select(x => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(x)))
        from t in Gen.Long
        from a in Gen.Long[-3_000_000, 3_000_000]
        from x in Gen.Byte.Array[0, 20]
        select WithNulls(Row(b, i, d, f, s, t, a, x, s), nulls);

    private static Column[] WithNulls(Column[] columns, bool[] nulls)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            if (nulls[i]) columns[i].SetNull(0);
        }

        return columns;
    }

    private static Column[] Row(
        bool b, long i, decimal d, double f, string s, long t, long a, byte[] x, string j)
    {
        var columns = new RowBlock(AllKinds, 1).Columns;
        ((BooleanColumn)columns[0]).Set(0, b);
        ((LongColumn)columns[1]).Set(0, i);
        ((DecimalColumn)columns[2]).Set(0, d);
        ((DoubleColumn)columns[3]).Set(0, f);
        ((BinaryColumn)columns[4]).Set(0, System.Text.Encoding.UTF8.GetBytes(s));
        ((LongColumn)columns[5]).Set(0, t);
        ((LongColumn)columns[6]).Set(0, a);
        ((BinaryColumn)columns[7]).Set(0, x);
        ((BinaryColumn)columns[8]).Set(0, System.Text.Encoding.UTF8.GetBytes(j));
        return columns;
    }

    private static byte[] Encode(Column[] columns)
    {
        var writer = default(ByteWriter);
        GroupKeyCodec.Append(columns, 0, ref writer);
        return writer.ToArray();
    }

    private static byte[] Parse(string text, Schema schema)
    {
        Assert.True(GroupKeyCodec.TryParse(text, schema, out var bytes));
        return bytes;
    }
}
