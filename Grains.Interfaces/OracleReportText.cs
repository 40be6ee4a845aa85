using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>The outcome of <c>verify-oracle</c> for people.</summary>
public static class OracleReportText
{
    /// <summary>The text: one line per assumption with its number in docs/oracle.md, the evidence below it.</summary>
    public static string Of(OracleReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        if (report.StandIn is not null)
        {
            text.Append("!! THIS IS NOT ORACLE. The driver that was loaded is ").Append(report.StandIn).Append(".\n")
                .Append("!! The checks below show that the checks run, and nothing else.\n\n");
        }

        text.Append("Connection ").Append(report.Connection).Append(", driver ").Append(report.Driver).Append("; numbers as in docs/oracle.md\n\n");
        foreach (var result in report.Results)
        {
            text.Append(CultureInfo.InvariantCulture, $"{result.Number,3}  {(result.Passed ? "pass" : "FAIL")}  {result.Assumption}\n");
            text.Append("           ").Append(result.Evidence.ReplaceLineEndings(" ")).Append('\n');
        }

        var failed = report.Results.Count(r => !r.Passed);
        text.Append(CultureInfo.InvariantCulture, $"\n{report.Results.Count - failed} of {report.Results.Count} hold");
        text.Append(failed == 0
            ? report.StandIn is null ? ".\n" : " - on the stand-in, not on Oracle.\n"
            : ". What to do about one that fails stands beside its number in docs/oracle.md.\n");
        return text.ToString();
    }
}
