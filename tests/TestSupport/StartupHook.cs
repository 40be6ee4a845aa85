#pragma warning disable CA1050 // The runtime looks for a class of this name outside of all namespaces.

/// <summary>Makes a silo process hang at its end, for tests: the runtime calls this before Main when DOTNET_STARTUP_HOOKS names this assembly.</summary>
internal static class StartupHook
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
            default:
                break;
        }
    }

    private static void Hang()
    {
        using var never = new ManualResetEvent(false);
        never.WaitOne();
    }
}
