using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests.Harness;

/// <summary>A silo in a process of its own, as a user runs it: configured by environment variables, asked over HTTP.</summary>
public sealed partial class SiloProcess : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };
    private readonly Dictionary<string, string> _environment;
    private readonly string _log;
    private readonly HttpClient _http;
    private readonly bool _withOracleStandIn;
    private readonly Lock _gate = new();
    private Process? _process;
    private bool _ends;

    /// <param name="withOracleStandIn">The assembly of the Oracle driver's name is there, as in a build with the driver.</param>
    public SiloProcess(string name, IReadOnlyDictionary<string, string> environment, bool withOracleStandIn = false)
    {
        _withOracleStandIn = withOracleStandIn;
        var port = FreePorts.Next();
        Name = name;
        _log = Path.Combine(Path.GetTempPath(), $"kor-e2e-{Environment.ProcessId}-{name}-{port}.log");
        _environment = new Dictionary<string, string>(environment)
        {
            ["Kor__Url"] = $"http://127.0.0.1:{port}",
            ["Kor__Cluster__SiloPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
        };
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(30) };
    }

    public string Name { get; }

    public string Url => _environment["Kor__Url"];

    /// <summary>Its settings.</summary>
    public IReadOnlyDictionary<string, string> Settings => _environment;

    /// <summary>The port other silos connect to.</summary>
    public string SiloPort => _environment["Kor__Cluster__SiloPort"];

    /// <summary>Where Orleans clients connect, <c>host:port</c>; only where the settings open a gateway.</summary>
    public string Gateway => "127.0.0.1:" + _environment["Kor__Cluster__GatewayPort"];

    public int Kills { get; private set; }

    /// <summary>A supervisor starts it again when it says that a database can't be reached (exit code 69).</summary>
    public bool IsSupervised { get; init; }

    /// <summary>Ctrl-C ends it, whatever the tests' own process does with the signal.</summary>
    public bool ResetSignals { get; init; }

    public int ProcessId => _process!.Id;

    /// <summary>How it ended.</summary>
    public int ExitCode => _process!.ExitCode;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The memory it holds now, MiB.</summary>
    public long ResidentMegabytes
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64 >> 20;
        }
    }

    public string LogText => File.Exists(_log) ? File.ReadAllText(_log) : "";

    public void Start()
    {
        lock (_gate)
        {
            _ends = false;
            StartProcess();
        }
    }

    private void StartAgain(Process ended)
    {
        lock (_gate)
        {
            if (!_ends && ReferenceEquals(_process, ended) && ended.ExitCode == 69) StartProcess();
        }
    }

    private void StartProcess()
    {
        var info = new ProcessStartInfo(ResetSignals ? "env" : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (ResetSignals)
        {
            info.ArgumentList.Add("--default-signal=INT");
            info.ArgumentList.Add("dotnet");
        }

        if (_withOracleStandIn)
        {
            // The Silo's own list of assemblies has no driver, this project's has the stand-in: the product finds it by name, as it finds the driver.
            foreach (var argument in (string[])["exec", "--depsfile", InBase($"{typeof(SiloProcess).Assembly.GetName().Name}.deps.json"),
                "--runtimeconfig", InBase("KafkaOracleOrleans.Silo.runtimeconfig.json")])
                info.ArgumentList.Add(argument);
        }

        info.ArgumentList.Add(InBase("KafkaOracleOrleans.Silo.dll"));
        info.ArgumentList.Add("run");
        foreach (var (key, value) in _environment) info.Environment[key] = value;
        var process = Process.Start(info) ?? throw new InvalidOperationException("The silo did not start.");
        var log = TextWriter.Synchronized(new StreamWriter(new FileStream(_log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true });
        process.OutputDataReceived += (_, e) => log.WriteLine(e.Data);
        process.ErrorDataReceived += (_, e) => log.WriteLine(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        if (!IsSupervised) return;
        process.Exited += (_, _) => StartAgain(process);
        process.EnableRaisingEvents = true;
    }

    private static string InBase(string file) => Path.Combine(AppContext.BaseDirectory, file);

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        Kills++;
        lock (_gate)
        {
            _ends = true;
            _process.Kill();
        }

        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and how it ended.</summary>
    public Task<int> TerminateAsync(TimeSpan deadline) => EndAsync(15, deadline);

    /// <summary>SIGINT, as Ctrl-C sends it, and how it ended.</summary>
    public Task<int> InterruptAsync(TimeSpan deadline) => EndAsync(2, deadline);

    /// <summary>Sends SIGTERM to another process.</summary>
    public static void Terminate(Process process) => _ = Signal(process.Id, 15);

    private async Task<int> EndAsync(int signal, TimeSpan deadline)
    {
        _ = Signal(_process!.Id, signal);
        using var timeout = new CancellationTokenSource(deadline);
        await _process.WaitForExitAsync(timeout.Token);
        return _process.ExitCode;
    }

    /// <summary>Waits for the process to end by itself.</summary>
    public async Task<bool> ExitsWithinAsync(TimeSpan deadline)
    {
        using var timeout = new CancellationTokenSource(deadline);
        try
        {
            await _process!.WaitForExitAsync(timeout.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>SIGSTOP or SIGCONT.</summary>
    public void Freeze(bool frozen) => _ = Signal(_process!.Id, frozen ? 19 : 18);

    public async Task<PipelineStatus?> TryGetStatusAsync(string pipeline)
    {
        try
        {
            return await _http.GetFromJsonAsync<PipelineStatus>($"/api/v1/pipelines/{pipeline}", Json);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    public Task<HttpResponseMessage> PutAsync(string path) => _http.PutAsync(path, null);

    public Task<HttpResponseMessage> ResetAsync(bool execute, string pipeline = "orders") => _http.PostAsJsonAsync(
        $"/api/v1/pipelines/{pipeline}/reset", new ResetRequest(ResetTarget.Earliest, 0, null, execute), Json);

    public async Task<T?> GetAsync<T>(string path) => await _http.GetFromJsonAsync<T>(path, Json);

    public async ValueTask DisposeAsync()
    {
        lock (_gate) _ends = true;
        if (IsRunning)
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        _http.Dispose();
        File.Delete(_log);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
