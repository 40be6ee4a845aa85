using System.Text;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>Keys and tombstones by name, each with the outcome it must have; \xHH is a byte, NULL is no key.</summary>
public sealed class RecordKeyTests
{
    private const string Whole = "k string key; v integer";
    private const string Number = "k integer key; v integer";
    private const string Parts = "id string! key path=id; n integer key path=sub.n; v integer";

    [Theory]
    [InlineData("text", Whole, "abc", "abc|1")]
    [InlineData("no key", Whole, "NULL", "NULL|1")]
    [InlineData("empty key is an empty text", Whole, "", "|1")]
    [InlineData("latin-1", Whole, "M\\xFCller", "KOR4020 k")]
    [InlineData("overlong slash", Whole, "\\xC0\\xAF", "KOR4020 k")]
    [InlineData("encoded surrogate", Whole, "\\xED\\xA0\\x80", "KOR4020 k")]
    [InlineData("cut character", Whole, "\\xE2\\x82", "KOR4020 k")]
    [InlineData("null byte", Whole, "a\\x00b", "KOR4019 k")]
    [InlineData("number", Number, "42", "42|1")]
    [InlineData("empty key is no number and missing", Number, "", "NULL|1")]
    [InlineData("words for a number", Number, "forty-two", "KOR4013 k")]
    [InlineData("number with a blank", Number, "42 ", "KOR4013 k")]
    [InlineData("number beyond 64 bits", Number, "9223372036854775808", "KOR4014 k")]
    [InlineData("binary number", Number, "\\x00\\x00\\x00\\x2A", "KOR4013 k")]
    [InlineData("parts", Parts, """{"id":"a","sub":{"n":7}}""", "a|7|1")]
    [InlineData("parts in any order, others left alone", Parts, """ {"x":[1],"sub":{"m":1,"n":8},"id":"b"} """, "b|8|1")]
    [InlineData("last of repeated parts", Parts, """{"id":"a","id":"b"}""", "b|NULL|1")]
    [InlineData("required part missing", Parts, "{}", "KOR4010 id")]
    [InlineData("required part null", Parts, """{"id":null}""", "KOR4011 id")]
    [InlineData("required part of no key", Parts, "NULL", "KOR4010 id")]
    [InlineData("required part of an empty key", Parts, "", "KOR4010 id")]
    [InlineData("part of another type", Parts, """{"id":"a","sub":{"n":"x"}}""", "KOR4013 n")]
    [InlineData("object for a text", Parts, """{"id":{}}""", "KOR4012 id")]
    [InlineData("plain text where parts are wanted", Parts, "abc", "KOR4006 key")]
    [InlineData("array where parts are wanted", Parts, "[1]", "KOR4008 key")]
    [InlineData("text after the object", Parts, """{"id":"a"}}""", "KOR4009 key")]
    [InlineData("cut off", Parts, """{"id":"a""", "KOR4006 key")]
    [InlineData("NaN", Parts, """{"id":"a","sub":{"n":NaN}}""", "KOR4006 key")]
    [InlineData("byte order mark", Parts, "\\xEF\\xBB\\xBF{}", "KOR4005 key")]
    [InlineData("invalid utf-8 in a part nobody wants", Parts, "{\"id\":\"a\",\"x\":\"\\xFE\"}", "KOR4004 key")]
    [InlineData("lone surrogate in a part", Parts, """{"id":"\ud800"}""", "KOR4020 id")]
    [InlineData("lone surrogate in a name", Parts, """{"\udc00":1,"id":"a"}""", "KOR4020 key")]
    [InlineData("zero character in a part", Parts, """{"id":"a\u0000"}""", "KOR4019 id")]
    public void Keys(string name, string fields, string key, string outcome)
    {
        var batch = RawBatches.Decode(RawBatches.Spec(fields), RawBatches.Of((Bytes(key), "{\"v\":1}"u8.ToArray())));
        Assert.Equal((name, outcome), (name, RawBatches.Outcome(batch, 0)));
    }

    [Theory]
    [InlineData("skip", TombstonePolicy.Skip, Whole, "abc", "left out")]
    [InlineData("quarantine", TombstonePolicy.Quarantine, Whole, "abc", "KOR4002 value")]
    [InlineData("delete has what the key says", TombstonePolicy.Delete, Whole, "abc", "abc|NULL")]
    [InlineData("delete without a key", TombstonePolicy.Delete, Whole, "NULL", "KOR4002 key")]
    [InlineData("delete with an unreadable key", TombstonePolicy.Delete, Whole, "\\xFF", "KOR4020 k")]
    [InlineData("delete by parts", TombstonePolicy.Delete, Parts, """{"id":"a","sub":{"n":7}}""", "a|7|NULL")]
    [InlineData("delete without the part that is required", TombstonePolicy.Delete, Parts, """{"sub":{"n":7}}""", "KOR4010 id")]
    [InlineData("delete with an empty key where a part is required", TombstonePolicy.Delete, Parts, "", "KOR4010 id")]
    [InlineData("delete takes defaults of the key", TombstonePolicy.Delete, "k string key path=a; z string key path=b default=none; v integer", """{"a":"x"}""", "x|none|NULL")]
    [InlineData("delete does not take defaults of the value", TombstonePolicy.Delete, "k string key; v integer default=5", "abc", "abc|NULL")]
    [InlineData("delete does not need fields of the value", TombstonePolicy.Delete, "k string key; v integer!", "abc", "abc|NULL")]
    public void Tombstones(string name, TombstonePolicy policy, string fields, string key, string outcome)
    {
        var spec = RawBatches.Spec(fields, tombstones: policy);
        var decoder = RecordDecoderFactory.Create(spec);
        // A record before it, whose values must not show.
        var batch = RawBatches.Decode(
            decoder, RawBatches.Of(("""{"id":"before","a":"before","b":"before"}"""u8.ToArray(), "{\"v\":9}"u8.ToArray()), (Bytes(key), null)));
        Assert.Equal((name, outcome), (name, RawBatches.Outcome(batch, 1)));
        Assert.Equal(1, decoder.Counters.Tombstones);
    }

    [Fact]
    public void Values_beyond_the_limit_are_refused_before_they_are_read_and_the_limit_is_the_pipelines()
    {
        var large = Encoding.UTF8.GetBytes($$"""{"v":1,"x":"{{new string('a', 10_000_000)}}"}""");
        var small = "{\"v\":1}"u8.ToArray();
        Assert.Equal("KOR4003 value", One(RawBatches.Spec("v integer"), large));
        Assert.Equal("1", One(RawBatches.Spec("v integer", maxBytes: 1 << 24), large));
        Assert.Equal("1", One(RawBatches.Spec("v integer", maxBytes: small.Length), small));
        Assert.Equal("KOR4003 value", One(RawBatches.Spec("v integer", maxBytes: small.Length - 1), small));

        static string One(SourceFormatSpec spec, byte[] value) =>
            RawBatches.Outcome(RawBatches.Decode(spec, RawBatches.Of((null, value))), 0);
    }

    [Fact]
    public void Unknown_and_repeated_fields_are_counted()
    {
        var decoder = RecordDecoderFactory.Create(RawBatches.Spec("v integer; city string path=customer.address.city"));
        RawBatches.Decode(decoder, RawBatches.Of(
            """{"v":1,"x":1,"customer":{"name":"n","address":{"city":"Wien","zip":1}}}""",
            """{"v":1,"v":2,"\u0076":3}""",
            """{"customer":{"address":{"city":"a"}},"customer":{"address":{"city":"b"}}}"""));
        Assert.Equal(3, decoder.Counters.Decoded);
        Assert.Equal(3, decoder.Counters.UnknownFields);
        Assert.Equal(3, decoder.Counters.DuplicateFields);
    }

    private static byte[]? Bytes(string text)
    {
        if (text == "NULL") return null;
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[i + 1] == 'x')
            {
                bytes.Add(Convert.ToByte(text.Substring(i + 2, 2), 16));
                i += 3;
                continue;
            }

            bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
        }

        return [.. bytes];
    }
}
