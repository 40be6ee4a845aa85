using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>The library writes keys as the engine does.</summary>
public sealed class KorKeyTests
{
    public static TheoryData<FieldType, object?, string> Values => new()
    {
        { FieldType.String, "c-0005", "c-0005" },
        { FieldType.String, "", "~e" },
        { FieldType.String, null, "~n" },
        { FieldType.String, ".a,b~é", "~2Ea~2Cb~7E~C3~A9" },
        { FieldType.Integer, -7L, "-7" },
        { FieldType.Integer, 42, "42" },
        { FieldType.Decimal(10, 2), 12.5m, "12.5" },
        { FieldType.Double, 1e300, "1E~2B300" },
        { FieldType.Boolean, true, "true" },
        { FieldType.Bytes, new byte[] { 255, 254 }, "__4" },
        { FieldType.Date, new DateOnly(2026, 1, 31), "2026-01-31" },
        { FieldType.Timestamp, new DateTimeOffset(2026, 1, 31, 12, 0, 0, 500, TimeSpan.FromHours(2)), "2026-01-31T10:00:00.5Z" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_is_written_as_the_engine_writes_it(FieldType type, object? value, string text)
    {
        var schema = new Schema(new Field("a", type), new Field("b", FieldType.String));
        var key = KorKey.Text(value, "x");
        Assert.Equal(text + ",x", key);
        Assert.True(GroupKeyCodec.TryParse(key, schema, out var bytes));
        Assert.Equal(key, GroupKeyCodec.ToText(bytes, schema));
    }

    [Fact]
    public void No_values_are_the_global_group() => Assert.Equal(GroupKeyCodec.GlobalText, KorKey.Text());

    [Fact]
    public void What_cannot_be_a_key_is_refused()
    {
        Assert.Throws<ArgumentException>(() => KorKey.Text(new object()));
        Assert.Throws<ArgumentException>(() => KorKey.Text(new DateTime(2026, 1, 31, 0, 0, 0, DateTimeKind.Local)));
    }
}
