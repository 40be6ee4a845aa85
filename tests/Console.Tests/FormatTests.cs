namespace KafkaOracleOrleans.WebConsole.Tests;

public sealed class FormatTests
{
    [Theory]
    [InlineData(null, "N/A")]
    [InlineData(double.NaN, "N/A")]
    [InlineData(double.PositiveInfinity, "N/A")]
    [InlineData(0d, "0 s")]
    [InlineData(0.00005, "0.05 ms")]
    [InlineData(0.35, "350 ms")]
    [InlineData(4.24, "4.2 s")]
    [InlineData(59d, "59 s")]
    [InlineData(200d, "3 min 20 s")]
    [InlineData(7500d, "2 h 5 min")]
    [InlineData(273600d, "3 d 4 h")]
    [InlineData(-4d, "-4.0 s")]
    public void Durations_have_their_unit_and_what_is_unknown_is_said(double? seconds, string text) => Assert.Equal(text, Format.Seconds(seconds));

    [Theory]
    [InlineData(null, "N/A")]
    [InlineData(double.NaN, "N/A")]
    [InlineData(0d, "0 /s")]
    [InlineData(3.25, "3.3 /s")]
    [InlineData(1234d, "1,234 /s")]
    [InlineData(12345d, "12.3 k /s")]
    [InlineData(2_500_000d, "2.5 M /s")]
    public void Rates_have_their_unit(double? rate, string text) => Assert.Equal(text, Format.Rate(rate));

    [Theory]
    [InlineData(null, "N/A")]
    [InlineData(1d, "100 %")]
    [InlineData(0.9999, "99.9 %")]
    [InlineData(0.0001, "< 0.1 %")]
    [InlineData(0d, "0 %")]
    public void A_share_is_never_rounded_to_all_or_nothing(double? share, string text) => Assert.Equal(text, Format.Percent(share));

    [Fact]
    public void Bytes_are_shown_with_their_place_and_cut_with_a_word()
    {
        var text = Format.Hex("{\"id\":\u0001<b>"u8, 8);

        Assert.StartsWith("000000  7b 22 69 64 22 3a 01 3c", text, StringComparison.Ordinal);
        Assert.Contains("{\"id\":.<", text, StringComparison.Ordinal);
        Assert.EndsWith("... 2 more bytes\n", text, StringComparison.Ordinal);
    }
}
