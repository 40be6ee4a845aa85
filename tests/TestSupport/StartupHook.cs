using System.Runtime.InteropServices;

#pragma warning disable CA1050 // The runtime looks for a class of this name outside of all namespaces.

/// <summary>Makes a silo process hang at its end, for tests: the runtime calls this before Main when DOTNET_STARTUP_HOOKS names this assembly.</summary>
internal static partial class StartupHook
{
    private const string Variable = "KOR_TEST_HANG";

    public static void Initialize()
    {
        switch (Environment.GetEnvironmentVariable(Variable))
        {
            case "exit":
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Hang();
                break;
            case "thread":
                // The runtime waits for it when Main has returned.
                new Thread(Hang).Start();
                break;
            case "runtime":
                AppDomain.CurrentDomain.ProcessExit += (_, _) => HangRuntime();
                break;
            default:
                break;
        }
    }

    private static void Hang()
    {
        using var never = new ManualResetEvent(false);
        never.WaitOne();
    }

    /// <summary>A thread that waits in native code without the runtime's knowledge: the garbage collector waits for it, and every thread for the collector.</summary>
    private static void HangRuntime()
    {
        new Thread(() =>
        {
            // Zeros are a mutex of the default kind, which a second lock waits for; no signal of the runtime's ends that.
            var mutex = Marshal.AllocHGlobal(256);
            Marshal.Copy(new byte[256], 0, mutex, 256);
            while (true) _ = Lock(mutex);
        })
        { IsBackground = true }.Start();
        while (true) GC.Collect();
    }

    [LibraryImport("libc", EntryPoint = "pthread_mutex_lock")]
    [SuppressGCTransition]
    private static partial int Lock(nint mutex);
}
