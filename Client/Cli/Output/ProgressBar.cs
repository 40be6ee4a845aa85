using System.Globalization;

namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>
/// A bar for long work whose amount is known, on stderr of a terminal; nothing where nobody looks. Written by hand: it shares the terminal with data,
/// which goes to stdout meanwhile.
/// </summary>
internal sealed class ProgressBar : IDisposable
{
    private const int Width = 24;
    private const string Erase = "\r\u001b[K";

    private readonly TextWriter? _terminal;
    private readonly string _what;
    private readonly long _total;
    private bool _shown;

    /// <param name="terminal">Where it is drawn; null: nowhere.</param>
    /// <param name="what">What is counted, such as <c>files</c>.</param>
    /// <param name="total">How much there is.</param>
    public ProgressBar(TextWriter? terminal, string what, long total)
    {
        _terminal = total > 1 ? terminal : null;
        _what = what;
        _total = total;
    }

    /// <summary>Draws how far the work is.</summary>
    public void Report(long done, string note = "")
    {
        if (_terminal is null) return;
        var filled = (int)(Math.Clamp(done, 0, _total) * Width / _total);
        var line = string.Create(
            CultureInfo.InvariantCulture, $"[{new string('#', filled)}{new string('.', Width - filled)}] {done:N0} of {_total:N0} {_what} {note}");
        _terminal.Write(Erase + line.TrimEnd());
        _terminal.Flush();
        _shown = true;
    }

    /// <summary>Takes the bar away, so that a line can be written where it was.</summary>
    public void Clear()
    {
        if (!_shown) return;
        _terminal!.Write(Erase);
        _terminal.Flush();
        _shown = false;
    }

    public void Dispose() => Clear();
}
