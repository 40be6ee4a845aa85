using System.Globalization;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Ends the process when stopping takes longer than <see cref="KorOptions.ShutdownTimeout"/>, whatever hangs: a task, a thread, a database driver, the
/// handlers that run at a process's end. What is not durable by then is replayed, as after a kill. Every host with a silo has one: once a signal has told the
/// process to end, it is watched to its end; a host that is stopped by its own program, which may have other work, until it has stopped.
/// </summary>
internal sealed partial class ShutdownWatchdog(KorOptions options, IHostApplicationLifetime lifetime) : IHostedLifecycleService, IDisposable
{
    /// <summary>The exit code of a process that had to be ended.</summary>
    public const int ExitCode = 70;

    // An orderly stop that was cut short at the timeout still has this long to say so and return.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    // The kernel's alarm comes after the thread should have ended the process: when even managed code does not run any more.
    private static readonly TimeSpan AlarmAfter = TimeSpan.FromSeconds(3);

    private readonly TimeSpan _timeout = options.ShutdownTimeout;
    private readonly List<IDisposable> _signals = [];
    private readonly ManualResetEvent _over = new(false);
    private int _isArmed;
    private volatile bool _toTheEnd;

    /// <summary>Runs a host that is all its process is for, until it is told to stop; what hangs after the host has stopped is watched too.</summary>
    public static async Task RunAsync(WebApplication app, CancellationToken cancellation)
    {
        var watchdog = app.Services.GetRequiredService<ShutdownWatchdog>();
        watchdog._toTheEnd = true;
        watchdog.Begin();
        await app.RunAsync(cancellation);
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        Begin();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        End();
        return Task.CompletedTask;
    }

    public void Dispose() => End();

    /// <summary>Watches from the signal, or the host's own stop, on.</summary>
    private void Begin()
    {
        if (!options.ForceExit || _signals.Count != 0) return;
        _signals.Add(lifetime.ApplicationStopping.Register(Arm));
        // The host has handlers of its own, which may be waiting for a thread that does not come.
        foreach (var signal in new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT })
        {
            _signals.Add(PosixSignalRegistration.Create(signal, _ =>
            {
                _toTheEnd = true;
                Arm();
            }));
        }
    }

    private void End()
    {
        if (_toTheEnd) return;
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
        // Without handlers for the process's end: they may be what hangs.
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
