using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Silo.Observability;

/// <summary>
/// Log lines for people: time (UTC), level when it is not information, who, what. Exceptions at error and above, or of categories that log details, come
/// with their stack; of others the messages are enough to act on.
/// </summary>
internal sealed class TextFormatter(TimeProvider time, IOptionsMonitor<LoggerFilterOptions> filters) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "kor";
    private const string Host = "KafkaOracleOrleans.Silo.Hosting.";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        // Whoever starts the host is told by the exception, and says it in its own words.
        if (logEntry is { Category: "Microsoft.Extensions.Hosting.Internal.Host", EventId.Name: "HostedServiceStartupFaulted" }) return;
        textWriter.Write(time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ ", CultureInfo.InvariantCulture));
        textWriter.Write(Level(logEntry.LogLevel));
        // What the process says of itself needs no name.
        if (!logEntry.Category.StartsWith(Host, StringComparison.Ordinal))
        {
            textWriter.Write(logEntry.Category[(logEntry.Category.LastIndexOf('.') + 1)..]);
            textWriter.Write(": ");
        }

        var text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception is { } exception)
            text += logEntry.LogLevel >= LogLevel.Error || IsDetailed ? "\n" + exception : Chain(exception);
        textWriter.WriteLine(Safe(text));
    }

    private bool IsDetailed => filters.CurrentValue.Rules.Any(r => r.CategoryName is null && r.LogLevel is { } level && level < LogLevel.Information);

    private static string Chain(Exception exception)
    {
        var text = new StringBuilder();
        var last = "";
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (!last.Contains(e.Message, StringComparison.Ordinal)) text.Append(' ').Append(e.GetType().Name).Append(": ").Append(e.Message);
            last = e.Message;
        }

        return text.ToString();
    }

    /// <summary>Lines after the first are set in, and other control characters are shown: what comes from outside can't look like a line of the log.</summary>
    private static string Safe(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.Contains('\u007f', StringComparison.Ordinal)) return text;
        var safe = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (c == '\n') safe.Append("\n    ");
            else if (c == '\t') safe.Append(c);
            else if (char.IsControl(c) && c != '\r') safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else if (c != '\r') safe.Append(c);
        }

        return safe.ToString();
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Critical => "CRITICAL ",
        LogLevel.Error => "ERROR ",
        LogLevel.Warning => "WARNING ",
        LogLevel.Debug => "debug ",
        LogLevel.Trace => "trace ",
        _ => "",
    };
}
