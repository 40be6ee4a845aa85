using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>ORA- codes and what they mean.</content>
internal sealed partial class OracleDialect
{
    private const string SessionLost =
        "22 28 31 45 378 600 602 603 609 1012 1014 1041 1043 1089 1092 2396 2399 3106 3111 3113 3114 3122 3135 3137 3150 3156 "
        + "12152 12153 12157 12537 12547 12566 12569 12570 12571 12583 12585 12592 12599 12606-12609 12637 25401-25409 25425 "
        + "27146 28511 28864 28865 41412 41413 56600";

    private const string Unreachable =
        "24 1033 1034 1035 1090 1094 1109 1219 2063 2068 12170 12203 12224 12500 12505 12506 12514 12516 12518 12519 12520 "
        + "12521 12525-12529 12535 12540 12541 12543 12545 12560 12564 12757 16000 16456 50000 50201";

    private const string Conflict =
        "51 54 60 1410 1466 1591 2049 2091 4020 4021 4061 4065 4068 8102 8103 8176 8177 14411 30006 63300 63302";

    private const string Resource =
        "18 20 40 257 372 376 1000 1114 1115 1502 1536 1552 1555 1562 1578 1628 1630-1632 1650-1659 1683 1684 1688 1691-1693 "
        + "2391-2395 4030 4031 4036 12801 12952 12953 19502 19804 19809 19815 25153 28365 28374 30036 56735 65114";

    private const string Timeout = "1013 3136 12161";

    private const string Row =
        "1 1400 1401 1403 1407 1422 1426 1438 1455 1460 1461 1465 1476 1480 1483 1489 1722 1727 1830 1839-1843 1847 1850 1858 1861 1878 "
        + "2290 2291 2292 6502 12899 14400 14402 20000-20999 21525 22835 24816 28115 40441 40474-40479 40587";

    private const string Configuration =
        "439 900-903 904 905-941 942-953 956-999 1005 1017 1031 1036 1045 1450 1456 1732 1733 1735 1745 1747 1776 1779 1882 "
        + "1950 2329 3001 3048-3051 4043 4063 4098 5715 6550 12081 12154 12262 12504 12650 12660 14466 24381 28000 28001 28040 "
        + "28112 28113 28132 28759 28860 29024 30926 32795 38104 38106 38910 41900-41904 54013 54017";

    private const string AlreadyExists = "955 1408 1430 2260";

    /// <summary>
    /// Codes that only wrap another one. 2091 is a COMMIT that was rolled back, for a deferred constraint most of all;
    /// 12008 and 12048 a materialized view refreshed at COMMIT.
    /// </summary>
    private static readonly FrozenSet<int> Wrappers = new[] { 604, 2091, 6512, 12008, 12048, 24381, 50201 }.ToFrozenSet();

    private static readonly FrozenDictionary<int, ErrorClass> Classes = Build();

    public override bool IsMissingTable(DatabaseError error) => error.Code == "ORA-00942";

    public override bool IsLoginRefused(DatabaseError error) =>
        error.Code is "ORA-01005" or "ORA-01017" or "ORA-28000" or "ORA-28001";

    public override bool IsDriverFailure(Exception exception) =>
        // The driver says in many types that a connection is gone; what is thrown in its code is its failure.
        base.IsDriverFailure(exception) || OracleDriver.IsFromDriver(exception);

    /// <summary>The driver refused a value before anything was sent.</summary>
    private static bool IsValueFault(Exception exception) =>
        exception is InvalidCastException or FormatException or OverflowException or ArgumentException
            && OracleDriver.IsFromDriver(exception);

    public override RowFault FaultOf(string code) => NumberOf(code) switch
    {
        null => RowFault.Data,
        1 or 2291 or 2292 => RowFault.OtherRows,
        14400 or (>= 20000 and <= 20999) => RowFault.Raised,
        { } number => FaultOf(ClassOf(number)),
    };

    /// <summary>What a code means; of the driver's own refusals, which have none: a row's fault.</summary>
    private static ErrorClass ClassOf(string code) => NumberOf(code) is { } number ? ClassOf(number) : ErrorClass.Row;

    private static int? NumberOf(string code) =>
        code.StartsWith("ORA-", StringComparison.Ordinal)
        && int.TryParse(code.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    public override DatabaseError Classify(Exception exception)
    {
        var driver = OracleDriver.Instance;
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (!driver.IsOracle(e)) continue;
            var code = Innermost(driver, e, exception);
            return new DatabaseError(ClassOf(code), CodeText(code), TextOf(driver, e, code));
        }

        for (var e = exception; e is not null; e = e.InnerException)
        {
            foreach (Match match in OraCode().Matches(e.Message))
            {
                var code = int.Parse(match.ValueSpan[4..], CultureInfo.InvariantCulture);
                if (!Wrappers.Contains(code)) return new DatabaseError(ClassOf(code), CodeText(code), e.Message);
            }
        }

        if (ClassifyCommon(exception) is { } common) return common;
        return IsValueFault(exception) ? new DatabaseError(ErrorClass.Row, "Oracle driver", exception.Message)
            : OracleDriver.IsFromDriver(exception)
                ? new DatabaseError(ErrorClass.SessionLost, "Oracle driver", exception.Message)
                : new DatabaseError(ErrorClass.Unknown, "Oracle driver", exception.Message);
    }

    internal static ErrorClass ClassOf(int code) => Classes.GetValueOrDefault(code, ErrorClass.Unknown);

    internal static string CodeText(int code) => string.Create(CultureInfo.InvariantCulture, $"ORA-{code:D5}");

    /// <summary>
    /// The code that counts: of wrappers, the first other code among the row errors, inner exceptions and texts.
    /// </summary>
    private static int Innermost(OracleDriver driver, Exception failure, Exception outer)
    {
        var code = driver.Number(failure);
        if (!Wrappers.Contains(code)) return code;
        // Of an array bind's errors one that is not its row's counts most: the space ended in the middle of poison rows.
        int? ofRow = null;
        foreach (var fault in driver.Faults(failure).Where(f => !Wrappers.Contains(f.Number)))
        {
            if (ClassOf(fault.Number) != ErrorClass.Row) return fault.Number;
            ofRow ??= fault.Number;
        }

        if (ofRow is { } rows) return rows;

        for (var e = outer; e is not null; e = e.InnerException)
        {
            foreach (Match match in OraCode().Matches(e.Message))
            {
                var nested = int.Parse(match.ValueSpan[4..], CultureInfo.InvariantCulture);
                if (!Wrappers.Contains(nested)) return nested;
            }
        }

        return code;
    }

    /// <summary>
    /// The text of the error that counts; of an array bind's many errors the first, and how many there are.
    /// </summary>
    private static string TextOf(OracleDriver driver, Exception failure, int code)
    {
        var faults = driver.Faults(failure);
        var text = faults.FirstOrDefault(f => f.Number == code).Message ?? failure.Message;
        if (failure.InnerException is { } inner && text.Length > 0
            && !text.Contains(CodeText(code), StringComparison.Ordinal))
            text += $" ({inner.Message})";
        return faults.Count > 2
            ? string.Create(CultureInfo.InvariantCulture, $"{text} (the first of {faults.Count - 1} errors)")
            : text;
    }

    private static FrozenDictionary<int, ErrorClass> Build()
    {
        var classes = new Dictionary<int, ErrorClass>();
        // The configuration range comes first: the other tables take single codes out of it.
        Add(Configuration, ErrorClass.Configuration);
        Add(SessionLost, ErrorClass.SessionLost);
        Add(Unreachable, ErrorClass.Unreachable);
        Add(Conflict, ErrorClass.Conflict);
        Add(Resource, ErrorClass.Resource);
        Add(Timeout, ErrorClass.Timeout);
        Add(Row, ErrorClass.Row);
        Add(AlreadyExists, ErrorClass.AlreadyExists);
        return classes.ToFrozenDictionary();

        void Add(string codes, ErrorClass meaning)
        {
            foreach (var item in codes.Split(' '))
            {
                var ends = item.Split('-');
                var first = int.Parse(ends[0], CultureInfo.InvariantCulture);
                var last = ends.Length == 1 ? first : int.Parse(ends[1], CultureInfo.InvariantCulture);
                for (var code = first; code <= last; code++) classes[code] = meaning;
            }
        }
    }

    [GeneratedRegex(@"ORA-\d{5}", RegexOptions.CultureInvariant)]
    private static partial Regex OraCode();
}
