using Polly;
using Polly.CircuitBreaker;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>The state of a connection's circuit breaker, for status and health.</summary>
/// <param name="State"><c>closed</c>, <c>open</c> or <c>half-open</c>.</param>
/// <param name="LastError">The last error that counted; null when the last attempt worked.</param>
/// <param name="FailingSince">When the first of the failures in a row happened; null when the last attempt
/// worked.</param>
/// <param name="Opened">How often the circuit has opened.</param>
public sealed record CircuitStatus(string State, string? LastError, DateTimeOffset? FailingSince, long Opened);

/// <summary>One circuit breaker per connection; lets one attempt through after each break.</summary>
internal sealed class ConnectionBreaker
{
    private readonly CircuitBreakerStateProvider _state = new();
    private readonly ResiliencePipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly string _connection;
    private string? _lastError;
    private long _failingSince;
    private long _opened;

    public ConnectionBreaker(string connection, BreakerOptions options, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 0.5,
                MinimumThroughput = options.Failures,
                SamplingDuration = options.Window,
                BreakDuration = options.Break,
                StateProvider = _state,
                ShouldHandle = arguments => ValueTask.FromResult(Counts(arguments.Outcome.Exception)),
                OnOpened = _ =>
                {
                    Interlocked.Increment(ref _opened);
                    return default;
                },
            })
            .Build();
    }

    public CircuitStatus Status
    {
        get
        {
            var since = Interlocked.Read(ref _failingSince);
            return new CircuitStatus(
                _state.CircuitState switch
                {
                    CircuitState.Closed => "closed",
                    CircuitState.HalfOpen => "half-open",
                    _ => "open",
                },
                Volatile.Read(ref _lastError),
                since == 0 ? null : new DateTimeOffset(since, TimeSpan.Zero),
                Interlocked.Read(ref _opened));
        }
    }

    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> body, CancellationToken cancellation)
    {
        try
        {
            var result = await _pipeline.ExecuteAsync(
                static async (run, token) => await run(token).ConfigureAwait(false), body,
                    cancellation).ConfigureAwait(false);
            Volatile.Write(ref _lastError, null);
            Interlocked.Exchange(ref _failingSince, 0);
            return result;
        }
        catch (DatabaseException failure) when (Counts(failure))
        {
            Volatile.Write(ref _lastError, failure.Error.ToString());
            Interlocked.CompareExchange(ref _failingSince, _time.GetUtcNow().UtcTicks, 0);
            throw;
        }
        catch (BrokenCircuitException broken)
        {
            var text = $"not tried, its circuit is open after repeated failures; the last one: {Volatile.Read(ref _lastError)}";
            throw new DatabaseException(
                _connection, new DatabaseError(ErrorClass.Unreachable, "circuit open", text), DatabasePhase.Open,
                    broken);
        }
    }

    private static bool Counts(Exception? exception) =>
        exception is DatabaseException
        {
            Error.Class: ErrorClass.SessionLost or ErrorClass.Unreachable or ErrorClass.Resource or ErrorClass.Timeout,
        };
}
