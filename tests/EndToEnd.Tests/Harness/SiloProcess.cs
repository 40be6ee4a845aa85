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
    private Process? _process;

    public SiloProcess(string name, IReadOnlyDictionary<string, string> environment)
    {
        var port = FreePorts.Next();
        Name = name;
        _log = Path.Combine(Path.GetTempPath(), $"kor-e2e-{Environment.ProcessId}-{name}-{port}.log");
        _environment = new Dictionary<string, string>(environment)
        {
            ["Kor__Url"] = $"http://127.0.0.1:{port}",
            ["Kor__Cluster__SiloPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
            ["Kor__Cluster__GatewayPort"] = FreePorts.Next().ToString(CultureInfo.InvariantCulture),
        };
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(30) };
    }

    public string Name { get; }

    public int Kills { get; private set; }

    public bool IsRunning => _process is { HasExited: false };

    public string LogText => File.Exists(_log) ? File.ReadAllText(_log) : "";

    public void Start()
    {
        var info = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"));
        info.ArgumentList.Add("run");
        foreach (var (key, value) in _environment) info.Environment[key] = value;
        var process = Process.Start(info) ?? throw new InvalidOperationException("The silo did not start.");
        var log = TextWriter.Synchronized(new StreamWriter(new FileStream(_log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true });
        process.OutputDataReceived += (_, e) => log.WriteLine(e.Data);
        process.ErrorDataReceived += (_, e) => log.WriteLine(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        Kills++;
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and how it ended.</summary>
    public async Task<int> TerminateAsync(TimeSpan deadline)
    {
        _ = Signal(_process!.Id, 15);
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

    public Task<HttpResponseMessage> PostAsync(string path) => _http.PostAsync(path, null);

    public Task<HttpResponseMessage> ResetAsync(bool execute) => _http.PostAsJsonAsync(
        "/api/v1/pipelines/orders/reset", new ResetRequest(ResetTarget.Earliest, 0, null, execute), Json);

    public async Task<T?> GetAsync<T>(string path) => await _http.GetFromJsonAsync<T>(path, Json);

    public async ValueTask DisposeAsync()
    {
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
