using System.Globalization;
using KafkaOracleOrleans.Processing;
using KafkaOracleOrleans.Silo.Observability;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// Where requests try things out: expressions, tests, previews. They work for whoever asks and not for any pipeline, so a few run at a time, each within a
/// budget of time, rows and bytes that counts inside the work; and they end when the client leaves. What computes has a thread of its own, so that the
/// engine's are never all taken by it.
/// </summary>
internal sealed class TrialGate(TimeProvider time) : IDisposable
{
    /// <summary>How many run at a time. More is answered with 429.</summary>
    public const int AtOnce = 2;

    /// <summary>The most rows that one may produce. More is answered with 422.</summary>
    public const int MaxRows = 100_000;

    /// <summary>The most bytes of values that one may produce. More is answered with 422.</summary>
    public const int MaxBytes = 32 << 20;

    /// <summary>The longest that an expression or a test may run, seconds. Longer is answered with 422.</summary>
    public const int MaxSeconds = 10;

    /// <summary>The longest that a preview may take, seconds: it also reads from Kafka and from databases. Longer is answered with 422.</summary>
    public const int MaxPreviewSeconds = 25;

    private readonly SemaphoreSlim _room = new(AtOnce);

    /// <summary>Runs what only computes.</summary>
    public Task<(T? Value, ProblemHttpResult? Problem)> ComputeAsync<T>(HttpContext request, string kind, Func<WorkBudget, T> work)
        where T : class => RunAsync(request, kind, MaxSeconds, (budget, _) => Task.Factory.StartNew(
            () => work(budget), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    /// <summary>Runs what also waits for others, which the token ends.</summary>
    public async Task<(T? Value, ProblemHttpResult? Problem)> RunAsync<T>(
        HttpContext request, string kind, int maxSeconds, Func<WorkBudget, CancellationToken, Task<T>> work)
        where T : class
    {
        if (!await _room.WaitAsync(0))
        {
            SiloMetrics.Tried(kind, "busy");
            request.Response.Headers.RetryAfter = "1";
            return (null, ApiProblems.Problem(
                StatusCodes.Status429TooManyRequests, "Busy", $"{AtOnce} expressions, tests and previews run at a time; wait as long as Retry-After says."));
        }

        try
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(maxSeconds), time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, request.RequestAborted);
            return await RunAsync(request, kind, maxSeconds, work, late, end);
        }
        finally
        {
            _room.Release();
        }
    }

    public void Dispose() => _room.Dispose();

    private static async Task<(T? Value, ProblemHttpResult? Problem)> RunAsync<T>(
        HttpContext request, string kind, int maxSeconds, Func<WorkBudget, CancellationToken, Task<T>> work, CancellationTokenSource late,
        CancellationTokenSource end)
        where T : class
    {
        try
        {
            var value = await work(new WorkBudget(MaxRows, MaxBytes, end.Token), end.Token);
            SiloMetrics.Tried(kind, "done");
            return (value, null);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !request.RequestAborted.IsCancellationRequested)
        {
            SiloMetrics.Tried(kind, "time");
            return (null, TooMuch(string.Create(CultureInfo.InvariantCulture, $"It runs longer than {maxSeconds} s.")));
        }
        catch (OperationCanceledException)
        {
            SiloMetrics.Tried(kind, "left");
            throw;
        }
        catch (WorkBudgetException e)
        {
            SiloMetrics.Tried(kind, "size");
            return (null, TooMuch(e.Message));
        }
    }

    private static ProblemHttpResult TooMuch(string limit) => ApiProblems.Problem(
        StatusCodes.Status422UnprocessableEntity, "Too much for a try",
        limit + " Try fewer or smaller records; 'kor test' and 'kor eval' without a server have no such limit.");
}
