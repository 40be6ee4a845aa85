using System.Globalization;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Ends the process when stopping takes longer than <see cref="KorOptions.ShutdownTimeout"/>, whatever hangs: a task, a thread, a database driver, the
/// handlers that run at a process's end. What is not durable by then is replayed, as after a kill.
/// </summary>
internal sealed partial class ShutdownWatchdog : IDisposable
{
    /// <summary>The exit code of a process that had to be ended.</summary>
    public const int ExitCode = 70;

    // An orderly stop that was cut short at the timeout still has this long to say so and return.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    // The kernel's alarm comes after the thread should have ended the process: when even managed code does not run any more.
    private static readonly TimeSpan AlarmAfter = TimeSpan.FromSeconds(3);

    private readonly TimeSpan _timeout;
    private readonly List<IDisposable> _signals = [];
    private readonly ManualResetEvent _over = new(false);
    private int _isArmed;

    private ShutdownWatchdog(TimeSpan timeout) => _timeout = timeout;

    /// <summary>Runs a host until it is told to stop.</summary>
    public static async Task RunAsync(WebApplication app, CancellationToken cancellation)
    {
        // Not disposed of: what hangs after the host has stopped is watched too.
        _ = Watch(app);
        await app.RunAsync(cancellation);
    }

    /// <summary>Watches from the signal, or the host's own stop, on, until it is disposed of.</summary>
    public static ShutdownWatchdog Watch(WebApplication app)
    {
        var watchdog = new ShutdownWatchdog(app.Services.GetRequiredService<KorOptions>().ShutdownTimeout);
        watchdog._signals.Add(app.Lifetime.ApplicationStopping.Register(watchdog.Arm));
        // The host has handlers of its own, which may be waiting for a thread that does not come.
        foreach (var signal in new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT })
            watchdog._signals.Add(PosixSignalRegistration.Create(signal, _ => watchdog.Arm()));
        return watchdog;
    }

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
        _signals.Clear();
        _over.Set();
        if (Volatile.Read(ref _isArmed) != 0 && !OperatingSystem.IsWindows()) SetAlarm(0);
    }

    private void Arm()
    {
        if (Interlocked.Exchange(ref _isArmed, 1) != 0) return;
        new Thread(Wait) { IsBackground = true, Name = "shutdown watchdog" }.Start();
        if (!OperatingSystem.IsWindows()) SetAlarm((uint)Math.Ceiling((_timeout + Grace + AlarmAfter).TotalSeconds));
    }

    private void Wait()
    {
        // A thread of its own, and no timer: timers need the pool that may be what hangs.
        if (_over.WaitOne(_timeout + Grace)) return;
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"The silo did not stop within Kor:ShutdownTimeout ({_timeout.TotalSeconds:0.#} s) and is ended with exit code {ExitCode}; what was not durable is replayed."));
        End();
    }

    /// <summary>Without handlers for the process's end: they may be what hangs.</summary>
    private static void End()
    {
        if (OperatingSystem.IsWindows()) TerminateProcess(-1, ExitCode);
        else ExitNow(ExitCode);
    }

    [LibraryImport("libc", EntryPoint = "alarm")]
    private static partial void SetAlarm(uint seconds);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool TerminateProcess(nint process, uint code);
}
