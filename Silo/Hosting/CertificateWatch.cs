using KafkaOracleOrleans.Tls;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Says when a certificate was exchanged, cannot be used, or is about to end, also while nobody connects.</summary>
internal sealed partial class CertificateWatch(IEnumerable<CertificateFiles> files, TimeProvider time, ILogger<CertificateWatch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromDays(14);
    private readonly Dictionary<CertificateFiles, (string Thumbprint, string? Said)> _seen = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            foreach (var certificate in files) TryLook(certificate);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>A file that could never be read fails what needs it; this only looks.</summary>
    private void TryLook(CertificateFiles certificate)
    {
        try
        {
            Look(certificate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            var problem = $"{certificate.File} cannot be read ({e.GetType().Name}).";
            LogProblem(problem);
        }
    }

    private void Look(CertificateFiles certificate)
    {
        var own = certificate.Certificate;
        var known = _seen.TryGetValue(certificate, out var seen);
        var until = own.NotAfter.ToUniversalTime();
        if (known && seen.Thumbprint != own.Thumbprint) LogExchanged(certificate.File, until);
        var isEnding = until - time.GetUtcNow().UtcDateTime < Soon;
        var said = certificate.Problem ?? (isEnding ? $"{certificate.File} ends at {until:u}; put the next one in its place, it is read without a restart." : null);
        if (said is not null && (!known || seen.Said != said)) LogProblem(said);
        _seen[certificate] = (own.Thumbprint, said);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The certificate in {File} was exchanged; the new one is valid until {Until:u}.")]
    private partial void LogExchanged(string file, DateTime until);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Problem}")]
    private partial void LogProblem(string problem);
}
