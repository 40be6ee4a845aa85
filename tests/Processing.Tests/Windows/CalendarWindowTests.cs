using CsCheck;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

public sealed class CalendarWindowTests
{
    private static readonly IReadOnlyList<AggregateSpec> Count =
        [new("n", AggregateKind.Count, -1, default, Processing.Records.FieldType.Integer)];

    [Theory]
    // Days of 23 and 25 hours, and those around them.
    [InlineData(CalendarUnit.Day, "Europe/Vienna", "2026-03-28T12:00Z", "2026-03-27T23:00Z", "2026-03-28T23:00Z")]
    [InlineData(CalendarUnit.Day, "Europe/Vienna", "2026-03-29T12:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z")]
    [InlineData(CalendarUnit.Day, "Europe/Vienna", "2026-03-29T22:00Z", "2026-03-29T22:00Z", "2026-03-30T22:00Z")]
    [InlineData(CalendarUnit.Day, "Europe/Vienna", "2026-10-25T00:30Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z")]
    [InlineData(CalendarUnit.Day, "America/New_York", "2026-03-08T12:00Z", "2026-03-08T05:00Z", "2026-03-09T04:00Z")]
    [InlineData(CalendarUnit.Day, "America/New_York", "2026-11-01T12:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z")]
    // An hour that the clocks skip and one that they show twice.
    [InlineData(CalendarUnit.Hour, "Europe/Vienna", "2026-03-29T00:59:59Z", "2026-03-29T00:00Z", "2026-03-29T01:00Z")]
    [InlineData(CalendarUnit.Hour, "Europe/Vienna", "2026-03-29T01:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z")]
    [InlineData(CalendarUnit.Hour, "Europe/Vienna", "2026-10-25T00:59Z", "2026-10-25T00:00Z", "2026-10-25T01:00Z")]
    [InlineData(CalendarUnit.Hour, "Europe/Vienna", "2026-10-25T01:01Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z")]
    // An offset of three quarters of an hour, and a change of half an hour: 1:30 to 2:00 comes twice.
    [InlineData(CalendarUnit.Hour, "Asia/Kathmandu", "2026-06-01T00:20Z", "2026-06-01T00:15Z", "2026-06-01T01:15Z")]
    [InlineData(CalendarUnit.Hour, "Australia/Lord_Howe", "2026-04-04T14:50Z", "2026-04-04T14:00Z", "2026-04-04T15:00Z")]
    [InlineData(CalendarUnit.Hour, "Australia/Lord_Howe", "2026-04-04T15:10Z", "2026-04-04T15:00Z", "2026-04-04T15:30Z")]
    // Weeks begin on Monday.
    [InlineData(CalendarUnit.Week, "Europe/Vienna", "2026-10-25T22:59Z", "2026-10-18T22:00Z", "2026-10-25T23:00Z")]
    [InlineData(CalendarUnit.Week, "UTC", "1970-01-01T00:00Z", "1969-12-29T00:00Z", "1970-01-05T00:00Z")]
    [InlineData(CalendarUnit.Month, "Europe/Vienna", "2026-03-31T21:59Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z")]
    [InlineData(CalendarUnit.Month, "UTC", "2024-02-29T23:59Z", "2024-02-01T00:00Z", "2024-03-01T00:00Z")]
    [InlineData(CalendarUnit.Quarter, "Europe/Vienna", "2026-03-31T22:00Z", "2026-03-31T22:00Z", "2026-06-30T22:00Z")]
    [InlineData(CalendarUnit.Quarter, "Europe/Vienna", "2026-12-31T22:59Z", "2026-09-30T22:00Z", "2026-12-31T23:00Z")]
    [InlineData(CalendarUnit.Quarter, "UTC", "1969-12-31T23:59Z", "1969-10-01T00:00Z", "1970-01-01T00:00Z")]
    [InlineData(CalendarUnit.Year, "Europe/Vienna", "2026-12-31T23:00Z", "2026-12-31T23:00Z", "2027-12-31T23:00Z")]
    [InlineData(CalendarUnit.Year, "UTC", "2024-12-31T23:59Z", "2024-01-01T00:00Z", "2025-01-01T00:00Z")]
    [InlineData(CalendarUnit.Month, "UTC", "1900-02-28T23:59Z", "1900-02-01T00:00Z", "1900-03-01T00:00Z")]
    // A day that began at 1:00 because midnight was skipped, and a date that Samoa never had.
    [InlineData(CalendarUnit.Day, "America/Sao_Paulo", "2017-10-15T12:00Z", "2017-10-15T03:00Z", "2017-10-16T02:00Z")]
    [InlineData(CalendarUnit.Day, "Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z")]
    [InlineData(CalendarUnit.Day, "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z")]
    public void A_record_is_in_the_window_of_the_zones_clock(
        CalendarUnit unit, string zone, string time, string start, string end) =>
        Assert.Equal((Ms(start), Ms(end)), WindowOf(unit, zone, Ms(time)));

    [Fact]
    public void Windows_of_any_zone_lie_side_by_side()
    {
        string[] zones =
        [
            "Europe/Vienna", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca",
            "Pacific/Apia", "Europe/Dublin", "America/Havana", "Asia/Tehran", "UTC",
        ];
        Gen.Select(Gen.OneOf(zones), Gen.Enum<CalendarUnit>(), Gen.Long[Ms("1890-01-01T00:00Z"), Ms("2060-01-01T00:00Z")])
            .Sample(
                (zone, unit, time) =>
                {
                    var (start, end) = WindowOf(unit, zone, time);
                    Assert.InRange(time, start, end - 1);
                    Assert.Equal((start, end), WindowOf(unit, zone, start));
                    Assert.Equal((start, end), WindowOf(unit, zone, end - 1));
                    Assert.Equal(end, WindowOf(unit, zone, end).Start);
                    Assert.Equal(start, WindowOf(unit, zone, start - 1).End);
                },
                iter: 1000);
    }

    [Theory]
    [InlineData(8_640_000_000_000_000)]
    [InlineData(-8_640_000_000_000_000)]
    public void Times_beyond_the_calendar_of_the_platform_have_windows_too(long time)
    {
        foreach (var unit in Enum.GetValues<CalendarUnit>())
        {
            var (start, end) = WindowOf(unit, "Europe/Vienna", time);
            Assert.InRange(time, start, end - 1);
        }
    }

    [Fact]
    public void An_unknown_zone_is_refused_with_its_name()
    {
        var fault = Assert.Throws<ArgumentException>(() => new WindowCell(Spec(CalendarUnit.Day, "Europe/Wien")));
        Assert.Contains("Europe/Wien", fault.Message, StringComparison.Ordinal);
    }

    private static WindowStepSpec Spec(CalendarUnit unit, string zone) =>
        WindowTestRows.Spec(new CalendarWindow(unit, zone), 0, Count);

    private static (long Start, long End) WindowOf(CalendarUnit unit, string zone, long time)
    {
        var cell = new WindowCell(Spec(unit, zone));
        cell.Apply(WindowTestRows.Rows([new TestRow(1, time, 1)]), [0], 0, long.MinValue, new LateRows());
        var window = Assert.Single(cell.Query(WindowTestRows.Key(1)));
        Assert.Equal(window.End, cell.NextDue);
        return (window.Start, window.End);
    }

    private static long Ms(string time) =>
        DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
}
