using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Every code that has a meaning here, one by one.</summary>
public sealed class ErrorClassTests
{
    public static TheoryData<ErrorClass, int[]> OracleCodes => new()
    {
        {
            ErrorClass.SessionLost,
            [22, 28, 31, 45, 378, 600, 602, 603, 609, 1012, 1014, 1041, 1043, 1089, 1092, 2396, 2399, 3106, 3111, 3113, 3114, 3122, 3135, 3137, 3150, 3156,
                12152, 12153, 12157, 12537, 12547, 12566, 12569, 12570, 12571, 12583, 12585, 12592, 12637, 12599, 12606, 12607, 12608, 12609, 25401, 25402,
                25403, 25404, 25405, 25406, 25407, 25408, 25409, 25425, 27146, 28511, 28864, 28865, 41412, 41413, 56600]
        },
        {
            ErrorClass.Unreachable,
            [24, 1033, 1034, 1035, 1090, 1094, 1109, 1219, 2063, 2068, 12170, 12203, 12224, 12500, 12505, 12506, 12514, 12516, 12518, 12519, 12520, 12521, 12525,
                12526, 12527, 12528, 12529, 12535, 12540, 12541, 12543, 12545, 12560, 12564, 12757, 16000, 16456, 50000, 50201]
        },
        { ErrorClass.Conflict, [51, 54, 60, 1410, 1466, 1591, 2049, 2091, 4020, 4021, 4061, 4065, 4068, 8102, 8103, 8176, 8177, 14411, 30006, 63300, 63302] },
        {
            ErrorClass.Resource,
            [18, 20, 40, 257, 372, 376, 1000, 1114, 1115, 1502, 1536, 1552, 1555, 1562, 1578, 1628, 1630, 1631, 1632, 1650, 1651, 1652, 1653, 1654, 1655, 1656, 1657, 1658, 1659,
                1683, 1684, 1688, 1691, 1692, 1693, 2391, 2392, 2393, 2394, 2395, 4030, 4031, 4036, 12801, 12952, 12953, 19502, 19804, 19809, 19815, 25153, 28365,
                28374, 30036, 56735, 65114]
        },
        { ErrorClass.Timeout, [1013, 3136, 12161] },
        {
            ErrorClass.Row,
            [1, 1400, 1401, 1403, 1407, 1422, 1426, 1438, 1455, 1460, 1461, 1465, 1476, 1480, 1483, 1489, 1722, 1727, 1830, 1839, 1840, 1841, 1842, 1843, 1847,
                1850, 1858, 1861, 1878, 2290, 2291, 2292, 6502, 12899, 14400, 14402, 20000, 20001, 20500, 20999, 21525, 22835, 24816, 28115, 40441, 40474,
                40475, 40476, 40477, 40478, 40479, 40587]
        },
        {
            ErrorClass.Configuration,
            [439, 900, 903, 904, 911, 913, 917, 932, 933, 936, 942, 947, 957, 972, 999, 1005, 1017, 1031, 1036, 1045, 1450, 1456, 1732, 1733, 1735, 1745, 1747, 1776, 1779, 1882, 1950,
                2329, 3001, 3048, 3051, 4043, 4063, 4098, 5715, 6550, 12081, 12154, 12262, 12504, 12650, 12660, 14466, 24381, 28000, 28001, 28040, 28112, 28113, 28132, 28759, 28860, 29024, 30926, 32795,
                38104, 38106, 38910, 41900, 41901, 41902, 41903, 41904, 54013, 54017]
        },
        { ErrorClass.AlreadyExists, [955, 1408, 1430, 2260] },
        { ErrorClass.Unknown, [4711, 2, 19, 21, 899, 1001, 1660, 19999, 21000, 25400, 25410, 40480] },
    };

    public static TheoryData<ErrorClass, string[]> SqlStates => new()
    {
        { ErrorClass.SessionLost, ["08000", "08001", "08003", "08004", "08006", "08P01", "57P01", "57P02", "57P05", "25P03", "25P04", "40003", "26000"] },
        { ErrorClass.Unreachable, ["57P03"] },
        { ErrorClass.Conflict, ["40001", "40P01", "55P03", "55006"] },
        { ErrorClass.Resource, ["53000", "53100", "53200", "53300", "53400", "58000", "58030", "25006", "XX001", "XX002"] },
        { ErrorClass.Timeout, ["57014"] },
        {
            ErrorClass.Row,
            ["21000", "22000", "22001", "22003", "22007", "22008", "22021", "22P02", "22P05", "23000", "23502", "23503", "23505", "23514", "23P01", "44000",
                "54000", "P0001"]
        },
        {
            ErrorClass.Configuration,
            ["0A000", "25P02", "28000", "28P01", "2F005", "38000", "39000", "3B001", "3D000", "3F000", "42501", "42601", "42703", "42804",
                "42846", "42883", "42P01", "42P02", "42P10", "57P04"]
        },
        { ErrorClass.AlreadyExists, ["42P07", "42701", "42710", "42P06"] },
        { ErrorClass.Unknown, ["XX000", "99999", "F0000", "", "0"] },
    };

    public static TheoryData<ErrorClass, int[]> SqliteCodes => new()
    {
        { ErrorClass.Conflict, [4, 5, 6, 15, 17] },
        { ErrorClass.Resource, [7, 10, 13] },
        { ErrorClass.Timeout, [9] },
        { ErrorClass.Unreachable, [14] },
        { ErrorClass.Row, [18, 19, 20] },
        { ErrorClass.Configuration, [1, 3, 8, 11, 23, 25, 26] },
        { ErrorClass.Unknown, [2, 12, 16, 21, 22, 24, 27] },
    };

    [Theory]
    [MemberData(nameof(OracleCodes))]
    public void Oracle_codes_are_classified(ErrorClass expected, int[] codes) =>
        Assert.All(codes, code => Assert.Equal(expected, OracleDialect.ClassOf(code)));

    [Theory]
    [MemberData(nameof(SqlStates))]
    public void PostgreSQL_states_are_classified(ErrorClass expected, string[] states) =>
        Assert.All(states, state => Assert.Equal(expected, PostgresDialect.ClassOf(state)));

    [Theory]
    [MemberData(nameof(SqliteCodes))]
    public void SQLite_codes_are_classified(ErrorClass expected, int[] codes) =>
        Assert.All(codes, code => Assert.Equal(expected, SqliteDialect.ClassOf(code, "some text")));

    [Theory]
    [InlineData("table x already exists")]
    [InlineData("duplicate column name: x")]
    public void SQLite_says_in_words_what_exists_already(string message) =>
        Assert.Equal(ErrorClass.AlreadyExists, SqliteDialect.ClassOf(1, message));

    [Theory]
    [InlineData(ErrorClass.Unreachable, "ORA-12514", "ORA-12514: TNS:listener does not currently know of service requested")]
    [InlineData(ErrorClass.Timeout, "ORA-01013", "ORA-00604: error occurred at recursive SQL level 1\nORA-01013: user requested cancel")]
    [InlineData(ErrorClass.Row, "ORA-02291", "ORA-02091: transaction rolled back\nORA-02291: integrity constraint (KOR.FK) violated")]
    [InlineData(ErrorClass.SessionLost, "connection lost", "Unable to read data from the transport connection")]
    public void An_error_that_arrives_as_another_type_is_read_from_its_text(ErrorClass expected, string code, string text)
    {
        // Connect errors come wrapped, and cancelled statements as errors of errors: the first code that means something counts.
        var found = Dialect.For(DatabaseProvider.Oracle).Classify(new IOException("outer", new IOException(text)));
        Assert.Equal((expected, code), (found.Class, found.Code));
    }
}
