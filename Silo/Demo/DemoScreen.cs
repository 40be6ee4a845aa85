using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>What the demo shows: refreshed in place on a terminal, a line every few seconds elsewhere.</summary>
internal sealed class DemoScreen(IGrainFactory grains, DemoOptions demo, string bootstrap, DemoGateway gateway)
{
    private const string Pipeline = "orders";
    private const string Step = "revenue_5m";
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Line = TimeSpan.FromSeconds(5);

    public async Task ShowAsync(CancellationToken cancellation)
    {
        if (AnsiConsole.Profile.Capabilities.Ansi && !Console.IsOutputRedirected)
        {
            await AnsiConsole.Live(new Text("Starting ...")).StartAsync(context => EveryAsync(
                Refresh,
                (status, closed) =>
                {
                    context.UpdateTarget(Picture(status, closed));
                    context.Refresh();
                },
                cancellation));
        }
        else
        {
            Console.WriteLine($"console {Address}   in a browser of this machine");
            Console.WriteLine($"broker {bootstrap}   api {demo.Url}/api/v1/pipelines/{Pipeline}   clients {gateway}");
            await EveryAsync(Line, (status, _) => Console.WriteLine(Summary(status)), cancellation);
        }
    }

    /// <summary>Waits until everything that was produced is consumed and durable, then stops the pipeline in order.</summary>
    public async Task<PipelineStatus> DrainAsync(long produced, CancellationToken cancellation)
    {
        var pipeline = grains.GetGrain<IPipelineGrain>(Pipeline);
        while (true)
        {
            var before = await pipeline.GetStatusAsync();
            await Task.WhenAny(Task.Delay(Refresh, cancellation));
            var status = await pipeline.GetStatusAsync();
            // A real topic may hold more than this run's records: all of it is done when nothing more comes.
            var done = status.Counts.Consumed >= produced && status.Lag == 0 && status.Counts == before.Counts;
            if (done || cancellation.IsCancellationRequested) return status;
        }
    }

    public static void Summarise(PipelineStatus status, long produced)
    {
        var c = status.Counts;
        var sum = c.Absorbed + c.Duplicate + c.Late + c.Filtered + c.Quarantined;
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"produced     {produced,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"consumed     {c.Consumed,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  absorbed   {c.Absorbed,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  duplicate  {c.Duplicate,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  late       {c.Late,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  filtered   {c.Filtered,12:N0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  quarantined{c.Quarantined,12:N0}"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  sum        {sum,12:N0}   {(c.AddsUp ? "adds up" : "DOES NOT ADD UP")}"));
    }

    private async Task EveryAsync(
        TimeSpan interval, Action<PipelineStatus, IReadOnlyList<WindowRow>> show, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                var status = await grains.GetGrain<IPipelineGrain>(Pipeline).GetStatusAsync();
                var closed = await grains.GetGrain<IPipelineQueryGrain>(Pipeline).GetClosedAsync(Step, 8);
                show(status, closed);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C, or the time is up.
        }
    }

    private Rows Picture(PipelineStatus status, IReadOnlyList<WindowRow> closed)
    {
        var c = status.Counts;
        var head = new Grid().AddColumns(6);
        head.AddRow("[grey]state[/]", "[grey]records/s[/]", "[grey]lag[/]", "[grey]watermark[/]", "[grey]consumed[/]", "[grey]open keys[/]");
        head.AddRow(
            $"{Colour(status.State)}{status.State}[/]",
            status.RecordsPerSecond.ToString("N0", CultureInfo.InvariantCulture),
            status.Lag?.ToString("N0", CultureInfo.InvariantCulture) ?? "-",
            Time(status.Watermark),
            c.Consumed.ToString("N0", CultureInfo.InvariantCulture),
            status.Shards.Sum(s => s.Cells).ToString("N0", CultureInfo.InvariantCulture));
        var counts = new Grid().AddColumns(5);
        counts.AddRow("[grey]absorbed[/]", "[grey]duplicate[/]", "[grey]late[/]", "[grey]filtered[/]", "[grey]quarantined[/]");
        counts.AddRow(
            new[] { c.Absorbed, c.Duplicate, c.Late, c.Filtered, c.Quarantined }
                .Select(n => n.ToString("N0", CultureInfo.InvariantCulture)).ToArray());
        return new Rows(
            new Markup($"[grey]console[/] [bold]{Markup.Escape(Address)}[/]   [grey]in a browser of this machine[/]"),
            new Rule($"[bold]{Pipeline}[/]  {Markup.Escape(demo.PipelineFile ?? "the sample pipelines/orders.yaml")}").LeftJustified(),
            head,
            counts,
            status.Reason is null ? Text.Empty : new Markup($"[yellow]{Markup.Escape(status.Reason)}[/]"),
            Closed(closed),
            new Markup(
                $"[grey]broker[/] {Markup.Escape(bootstrap)}   [grey]api[/] {demo.Url}/api/v1/pipelines/{Pipeline}   " +
                $"[grey]clients[/] {Markup.Escape(gateway.ToString())}   [grey]Ctrl-C stops. {Kept()}[/]"));
    }

    private string Address => demo.Url.TrimEnd('/') + "/";

    /// <summary>What is left when the demo has ended.</summary>
    private string Kept() => (demo.Kafka, demo.State ?? demo.Sink) switch
    {
        (null, null) => "A demo: nothing here is kept.",
        (null, _) => "Tables stay; the broker's records do not.",
        (_, null) => "Records stay; the tables do not.",
        _ => "Records and tables stay.",
    };

    private static IRenderable Closed(IReadOnlyList<WindowRow> closed)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("closed window", "key", "rev");
        foreach (var (name, _) in closed.Count == 0 ? [] : closed[0].Values) table.AddColumn(new TableColumn(name).RightAligned());
        foreach (var row in closed)
        {
            table.AddRow(
            [
                $"{Time(row.Start)} - {Time(row.End)}", Markup.Escape(row.Key), row.Revision.ToString(CultureInfo.InvariantCulture),
                .. row.Values.Select(v => v.Value ?? "NULL"),
            ]);
        }

        return closed.Count == 0 ? new Markup("[grey]no window has closed yet: the first one does when the watermark passes its end[/]") : table;
    }

    private static string Summary(PipelineStatus status)
    {
        var c = status.Counts;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{status.State} {status.RecordsPerSecond:N0}/s lag {status.Lag?.ToString(CultureInfo.InvariantCulture) ?? "-"} watermark {Time(status.Watermark)} consumed {c.Consumed} absorbed {c.Absorbed} duplicate {c.Duplicate} late {c.Late} filtered {c.Filtered} quarantined {c.Quarantined} {status.Reason}");
    }

    private static string Colour(PartState state) => state switch
    {
        PartState.Running => "[green]",
        PartState.Failed => "[red]",
        _ => "[yellow]",
    };

    private static string Time(long? ms) =>
        ms is null ? "-" : DateTimeOffset.FromUnixTimeMilliseconds(ms.Value).ToString("HH:mm:ss", CultureInfo.InvariantCulture);
}
