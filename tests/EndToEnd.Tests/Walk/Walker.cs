using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.EndToEnd.Tests.Walk;

/// <summary>What a command line gave.</summary>
public sealed record KorAnswer(int Code, string Out, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;
}

/// <summary>Goes where a user goes, as a process and over HTTP, and remembers where it has been.</summary>
public sealed partial class Walker(string url, string folder) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Kor = Path.Combine(AppContext.BaseDirectory, "kor.dll");
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url), Timeout = Patience };

    /// <summary>The verbs that were run, e.g. <c>offsets show</c>.</summary>
    public HashSet<string> Verbs { get; } = new(StringComparer.Ordinal);

    /// <summary>The operations that were called, e.g. <c>GET /api/v1/pipelines/{name}</c>.</summary>
    public HashSet<string> Operations { get; } = new(StringComparer.Ordinal);

    /// <summary>Runs <c>kor</c> and asserts its exit code.</summary>
    public async Task<KorAnswer> KorAsync(int code, params string[] args)
    {
        var answer = await RunAsync(args);
        Assert.True(code == answer.Code, $"kor {string.Join(' ', args)} ended with {answer.Code} instead of {code}\n{answer.Out}\n{answer.Error}");
        Assert.DoesNotContain('\u001b', answer.Out);
        return answer;
    }

    /// <summary>Runs <c>kor ... -o json</c> and asserts that its output is JSON.</summary>
    public async Task<JsonElement> JsonAsync(params string[] args) => (await KorAsync(0, [.. args, "-o", "json"])).Json;

    /// <summary>Runs <c>kor</c>.</summary>
    public async Task<KorAnswer> RunAsync(params string[] args)
    {
        var verb = string.Join(' ', args.TakeWhile(a => VerbWord().IsMatch(a)).Take(2));
        Verbs.Add(verb);
        Verbs.Add(args[0]);
        using var process = Start(args);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(deadline.Token);
        return new KorAnswer(process.ExitCode, await output, await error);
    }

    /// <summary>Starts <c>kor</c> without waiting for it.</summary>
    public Process Start(params string[] args) => Start(args, null);

    /// <summary>Starts <c>kor</c> with more in its environment, without waiting for it.</summary>
    public Process Start(string[] args, IReadOnlyDictionary<string, string>? environment)
    {
        Verbs.Add(args[0]);
        var info = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            WorkingDirectory = folder,
        };
        info.ArgumentList.Add(Kor);
        foreach (var arg in args) info.ArgumentList.Add(arg);
        info.Environment["KOR_URL"] = url;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) info.Environment[name] = value;
        var process = Process.Start(info) ?? throw new InvalidOperationException("kor did not start.");
        process.StandardInput.Close();
        return process;
    }

    /// <summary>The command line with which a shell runs <c>kor</c>.</summary>
    public string ShellLine(string args) => $"KOR_URL={url} dotnet '{Kor}' {args}";

    /// <summary>Calls an operation, e.g. <c>GET /pipelines/{name}/windows</c>, and asserts the status.</summary>
    public async Task<JsonElement> CallAsync(
        HttpStatusCode status, string operation, string[]? path = null, string query = "", string? body = null, string type = "application/json")
    {
        var (method, template) = (operation[..operation.IndexOf(' ', StringComparison.Ordinal)], operation[(operation.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        Operations.Add($"{method} /api/v1{template}");
        var next = 0;
        var address = Placeholder().Replace(template, _ => Uri.EscapeDataString(path![next++])) + query;
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1" + address);
        // A POST has a type even without a body, or it could be another site's form.
        if (body is not null || method == "POST") request.Content = new StringContent(body ?? "", Encoding.UTF8, type);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == response.StatusCode, $"{method} {address} gave {(int)response.StatusCode} instead of {(int)status}: {text}");
        if (status >= HttpStatusCode.BadRequest) Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    /// <summary>The first server-sent event of an operation.</summary>
    public async Task<string> FirstEventAsync(string template, string[] path, string query)
    {
        Operations.Add($"GET /api/v1{template}");
        var next = 0;
        var address = "/api/v1" + Placeholder().Replace(template, _ => Uri.EscapeDataString(path[next++])) + query;
        using var deadline = new CancellationTokenSource(Patience);
        using var response = await _http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(deadline.Token));
        while (await reader.ReadLineAsync(deadline.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal)) return line["data: ".Length..];
        }

        throw new InvalidOperationException($"{address} ended without an event.");
    }

    /// <summary>A document outside the API, or null when there is none.</summary>
    public async Task<string?> TryReadAsync(string path)
    {
        using var response = await _http.GetAsync(path);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync() : null;
    }

    public void Dispose() => _http.Dispose();

    [GeneratedRegex("^[a-z][a-z-]*$")]
    private static partial Regex VerbWord();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Placeholder();
}
