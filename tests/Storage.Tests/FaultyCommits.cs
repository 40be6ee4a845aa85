using System.Data.Common;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>What becomes of a COMMIT.</summary>
internal enum CommitFault
{
    /// <summary>It happens and is answered.</summary>
    None,

    /// <summary>It happens, and the answer is lost with the session.</summary>
    LostAnswer,

    /// <summary>The session ends before it arrives: the transaction is rolled back.</summary>
    Lost,

    /// <summary>It happens, and the server cannot be reached from then on.</summary>
    LostServer,
}

/// <summary>Connections that lose COMMITs and their answers, one fault of a plan after the other.</summary>
internal sealed class FaultyCommits(IConnectionSource inner, IEnumerable<CommitFault> plan) : IConnectionSource
{
    private readonly Queue<CommitFault> _plan = new(plan);

    public string Place => inner.Place;

    /// <summary>How many COMMITs were sent.</summary>
    public int Sent { get; private set; }

    public Task<DbConnection> OpenAsync(CancellationToken cancellation) => inner.OpenAsync(cancellation);

    public ValueTask<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellation) => inner.BeginAsync(connection, cancellation);

    public async Task CommitAsync(DbTransaction transaction)
    {
        Sent++;
        var fault = _plan.TryDequeue(out var next) ? next : CommitFault.None;
        if (fault == CommitFault.Lost) await transaction.RollbackAsync();
        else await inner.CommitAsync(transaction);
        if (fault == CommitFault.LostServer) throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionReset);
        if (fault != CommitFault.None) throw new IOException("The connection was lost during COMMIT, for the test's sake.");
    }

    public ValueTask<IDisposable?> EnterWriteAsync(CancellationToken cancellation) => inner.EnterWriteAsync(cancellation);

    public void Discard() => inner.Discard();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
