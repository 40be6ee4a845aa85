using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>Writes a command's data to stdout and its talk to stderr, in the format asked for.</summary>
internal sealed class CliOutput
{
    private readonly CliHost _host;
    private readonly bool _color;

    public CliOutput(CliHost host, OutputFormat format, bool noColor)
    {
        _host = host;
        Format = format;
        _color = host.OutIsTerminal && !noColor && string.IsNullOrEmpty(host.Variable("NO_COLOR"));
        Console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = host.OutIsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = _color ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = host.OutIsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(host.Out),
        });
    }

    /// <summary>The format asked for.</summary>
    public OutputFormat Format { get; }

    /// <summary>True when data is for people.</summary>
    public bool ForPeople => Format == OutputFormat.Table;

    /// <summary>The terminal behind stdout; for showing what refreshes in place.</summary>
    public IAnsiConsole Console { get; }

    /// <summary>A line of data.</summary>
    public void Line(string text = "") => _host.Out.WriteLine(text);

    /// <summary>A line of data that a terminal shows in colour.</summary>
    public void Line(string text, Tone tone)
    {
        // Written by hand: a console would break the line at the terminal's width, and places could no longer be copied.
        if (_color && tone != Tone.Plain && Console.Profile.Capabilities.Ansi) _host.Out.WriteLine($"\u001b[{CodeOf(tone)}m{text}\u001b[0m");
        else _host.Out.WriteLine(text);
    }

    /// <summary>A line of talk.</summary>
    public void Talk(string text) => _host.Error.WriteLine(text);

    /// <summary>Says that something was done: in words, or as data for programs.</summary>
    public void Done(string pipeline, string verb, string text)
    {
        if (ForPeople) Talk(text);
        else Data(new JsonObject { ["pipeline"] = pipeline, ["done"] = verb });
    }

    /// <summary>A bar for work of a known amount; only a terminal shows it.</summary>
    public ProgressBar Progress(string what, long total) => new(_host.ErrorIsTerminal ? _host.Error : null, what, total);

    /// <summary>True when progress is shown in place, so that lines about it are not needed.</summary>
    public bool ShowsProgress => _host.ErrorIsTerminal;

    /// <summary>Waits for something that may take long, and shows so on a terminal.</summary>
    public async Task<T> WaitAsync<T>(string text, Func<Task<T>> action)
    {
        if (!_host.ErrorIsTerminal) return await action();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_host.Error) });
        return await console.Status().StartAsync(Markup.Escape(text), _ => action());
    }

    /// <summary>As <see cref="WaitAsync{T}"/>, for something without an answer.</summary>
    public Task WaitAsync(string text, Func<Task> action) => WaitAsync(text, async () =>
    {
        await action();
        return true;
    });

    /// <summary>A line of data with a label in front; a terminal that is too narrow gets it in several, broken between words.</summary>
    /// <param name="label">The label.</param>
    /// <param name="text">One line of text.</param>
    /// <param name="tone">What it says beyond that.</param>
    public void Field(string label, string text, Tone tone = Tone.Plain)
    {
        const int Indent = 12;
        var first = label.PadRight(Indent);
        if (!_host.OutIsTerminal)
        {
            Line(first + text, tone);
            return;
        }

        foreach (var line in Wrapped.Lines(text, Math.Max(20, Width - Indent)))
        {
            Line(first + line, tone);
            first = new string(' ', Indent);
        }
    }

    /// <summary>A sentence of data; a terminal gets it broken between words.</summary>
    public void Sentence(string text, Tone tone = Tone.Plain)
    {
        foreach (var line in _host.OutIsTerminal ? Wrapped.Lines(text, Width) : [text]) Line(line, tone);
    }

    /// <summary>The terminal's width in characters.</summary>
    public int Width => Console.Profile.Width;

    /// <summary>A table: as wide as the terminal lets it be, with a line below its headings; plain and whole elsewhere.</summary>
    public void Table(TableModel table)
    {
        if (!_host.OutIsTerminal)
        {
            table.WritePlain(_host.Out);
            return;
        }

        var ansi = Console.Profile.Capabilities.Ansi;
        var spared = table.WriteTerminal(_host.Out, Width, (text, tone) => !ansi ? text
            : tone is not { } shade ? $"\u001b[1m{text}\u001b[0m"
            : _color && shade != Tone.Plain ? $"\u001b[{CodeOf(shade)}m{text}\u001b[0m" : text);
        if (spared.Count != 0) Line($"(left out, as the terminal is narrow: {string.Join(", ", spared)})", Tone.Faint);
    }

    /// <summary>Data in a format for programs.</summary>
    public void Data(JsonNode data) =>
        Data(data.ToJsonString(Format == OutputFormat.Json ? JsonText.Indented : JsonText.Compact));

    /// <summary>Data that is JSON text already: as it is, line by line, or as YAML.</summary>
    public void Data(string json)
    {
        if (Format == OutputFormat.Json)
        {
            _host.Out.WriteLine(json.TrimEnd('\n'));
            return;
        }

        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        if (Format == OutputFormat.Yaml)
        {
            _host.Out.Write(YamlText.Of(root));
        }
        else if (root.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in root.EnumerateArray()) _host.Out.WriteLine(JsonSerializer.Serialize(item, JsonText.Compact));
        }
        else
        {
            _host.Out.WriteLine(JsonSerializer.Serialize(root, JsonText.Compact));
        }
    }

    /// <summary>One value of a stream, JSON text: a line, or a YAML document.</summary>
    public void Item(string json)
    {
        if (Format == OutputFormat.Yaml)
        {
            using var document = JsonDocument.Parse(json);
            _host.Out.Write("---\n" + YamlText.Of(document.RootElement));
        }
        else
        {
            _host.Out.WriteLine(json);
        }

        _host.Out.Flush();
    }

    private static int CodeOf(Tone tone) => tone switch
    {
        Tone.Good => 32,
        Tone.Warning => 33,
        Tone.Bad => 31,
        _ => 90,
    };
}
