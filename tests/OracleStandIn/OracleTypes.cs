using System.Collections;
using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using Npgsql;
using NpgsqlTypes;

namespace Oracle.ManagedDataAccess.Client;

/// <summary>The types the product binds; numbers as in the real driver, though nobody may rely on them.</summary>
public enum OracleDbType
{
    Blob = 102,
    Char = 104,
    Clob = 105,
    Date = 106,
    Decimal = 107,
    Int16 = 111,
    Int32 = 112,
    Int64 = 113,
    NClob = 116,
    NChar = 117,
    NVarchar2 = 119,
    Raw = 120,
    TimeStamp = 123,
    Varchar2 = 126,
    BinaryDouble = 132,
}

/// <summary>Stand-in: one error.</summary>
public sealed class OracleError(int number, int arrayBindIndex, string message)
{
    public int Number { get; } = number;

    public int ArrayBindIndex { get; } = arrayBindIndex;

    public string Message { get; } = message;
}

/// <summary>Stand-in: the errors of an exception.</summary>
public sealed class OracleErrorCollection : ArrayList
{
    public new OracleError this[int index] => (OracleError)base[index]!;
}

/// <summary>Stand-in: what the real driver throws.</summary>
public sealed class OracleException : DbException
{
    internal OracleException(int number, string message, Exception? inner = null)
        : this([new OracleError(number, -1, Text(number, message))], inner)
    {
    }

    internal OracleException(IReadOnlyList<OracleError> errors, Exception? inner)
        : base(string.Join(Environment.NewLine, errors.Select(e => e.Message)), inner)
    {
        foreach (var error in errors) Errors.Add(error);
    }

    public int Number => Errors[0].Number;

    public OracleErrorCollection Errors { get; } = [];

    internal static string Text(int number, string message) =>
        string.Create(CultureInfo.InvariantCulture, $"ORA-{number:D5}: {message}");

    /// <summary>What Oracle's driver would throw where Npgsql threw this.</summary>
    internal static OracleException From(Exception failure, bool connecting)
    {
        if (failure is PostgresException refused) return new OracleException(NumberOf(refused.SqlState),
            refused.MessageText, failure);
        if (failure is NpgsqlException { InnerException: TimeoutException })
            return new OracleException(1013, "user requested cancel of current operation", failure);
        if (!connecting) return new OracleException(3113, "end-of-file on communication channel", failure);
        var inner = failure is NpgsqlException { InnerException: SocketException } ? 12541 : 12537;
        // Since 23.x connect errors arrive wrapped, the reason inside.
        return new OracleException(
            50201, "Oracle Communication: Failed to connect to server or failed to parse connect string",
            new InvalidOperationException(Text(inner, "Cannot connect. No listener at the address."), failure));
    }

    private static int NumberOf(string state) => state switch
    {
        "23505" => 1,
        "23502" => 1400,
        "22003" => 1438,
        "22001" or "22023" => 12899,
        "22P02" => 1722,
        "23514" => 2290,
        "23503" => 2291,
        "40P01" => 60,
        "40001" => 8177,
        "55P03" => 54,
        "57014" => 1013,
        "21000" => 30926,
        "42P01" => 942,
        "42P07" or "42710" => 955,
        "42701" => 1430,
        "42703" => 904,
        "42601" => 933,
        "42501" => 1031,
        "28P01" => 1017,
        "53300" => 20,
        "53100" => 1653,
        "57P01" or "57P02" => 3113,
        "57P03" => 1033,
        "P0001" => 20001,
        // What tests raise by number: U1653 is ORA-01653.
        ['U', .. var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var code) => code,
        // A number of no meaning to anybody: what is not listed must not pass for a dead session.
        _ => 65535,
    };
}

/// <summary>Stand-in: a bind variable.</summary>
public sealed class OracleParameter : DbParameter
{
    public OracleDbType OracleDbType { get; set; } = OracleDbType.Varchar2;

    /// <summary>What is set last wins, as in the real driver; it knows no booleans before server 23.</summary>
    public override System.Data.DbType DbType
    {
        get => _dbType;
        set
        {
            _dbType = value;
            OracleDbType = value switch
            {
                System.Data.DbType.String => OracleDbType.NVarchar2,
                System.Data.DbType.AnsiString => OracleDbType.Varchar2,
                System.Data.DbType.Int16 => OracleDbType.Int16,
                System.Data.DbType.Int32 => OracleDbType.Int32,
                System.Data.DbType.Int64 => OracleDbType.Int64,
                System.Data.DbType.Decimal => OracleDbType.Decimal,
                System.Data.DbType.Double => OracleDbType.BinaryDouble,
                System.Data.DbType.DateTime => OracleDbType.TimeStamp,
                System.Data.DbType.Date => OracleDbType.Date,
                System.Data.DbType.Binary => OracleDbType.Raw,
                _ => throw new ArgumentException($"The stand-in, like the driver, has no type for {value}."),
            };
        }
    }

    private System.Data.DbType _dbType;

    public override System.Data.ParameterDirection Direction { get; set; } = System.Data.ParameterDirection.Input;

    public override bool IsNullable { get; set; }

    public override string ParameterName { get; set; } = "";

    public override int Size { get; set; }

    public override string SourceColumn { get; set; } = "";

    public override bool SourceColumnNullMapping { get; set; }

    public override object? Value { get; set; }

    public override void ResetDbType() => OracleDbType = OracleDbType.Varchar2;

    /// <summary>The value of one execution as PostgreSQL takes it; '' and zero bytes are NULL, as on Oracle.</summary>
    internal NpgsqlParameter ToNpgsql(int execution, bool isArray)
    {
        var value = isArray ? ((Array)Value!).GetValue(execution) : Value;
        if (value is null) throw new InvalidOperationException(
            $"Bind {ParameterName}: NULL is DBNull.Value, not null.");
        value = value switch
        {
            // The fraction of a second is cut, as the real driver does it.
            DateTime time when OracleDbType == OracleDbType.Date =>
                DateTime.SpecifyKind(time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond)), DateTimeKind.Unspecified),
            string { Length: 0 } => DBNull.Value,
            byte[] { Length: 0 } => DBNull.Value,
            DateTime { Kind: not DateTimeKind.Unspecified } time => DateTime.SpecifyKind(time, DateTimeKind.Unspecified),
            _ => value,
        };
        Check(value);
        // As PostgreSQL's own number: Npgsql would make infinity of the calendar's ends, which Oracle does not know.
        if (value is DateTime at) value = (at.Ticks - new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Unspecified).Ticks) / TimeSpan.TicksPerMicrosecond;
        return new NpgsqlParameter(ParameterName, TypeOf(OracleDbType)) { Value = value };
    }

    /// <summary>The bytes of the longest text bound; 0 when none is.</summary>
    internal int LongestText() => (Value as Array ?? new[] { Value }).OfType<string>()
        .Select(System.Text.Encoding.UTF8.GetByteCount).DefaultIfEmpty().Max();

    /// <summary>What the server's SQL engine says to values too long for their bind type.</summary>
    private void Check(object value)
    {
        var length = value switch
        {
            string text => System.Text.Encoding.UTF8.GetByteCount(text),
            byte[] bytes => bytes.Length,
            _ => 0,
        };
        // NVARCHAR2 is UTF-16 on the server.
        if (OracleDbType is OracleDbType.NVarchar2 or OracleDbType.NChar && value is string national) length = 2 * national.Length;
        if ((OracleDbType is OracleDbType.Varchar2 or OracleDbType.NVarchar2 && length > 4000)
            || (OracleDbType is OracleDbType.Char or OracleDbType.NChar && length > 2000)
            || (OracleDbType == OracleDbType.Raw && length > 2000))
            throw new OracleException(1461, "can bind a LONG value only for insert into a LONG column");
    }

    private static NpgsqlDbType TypeOf(OracleDbType type) => type switch
    {
        OracleDbType.Varchar2 or OracleDbType.NVarchar2 or OracleDbType.Clob or OracleDbType.NClob => NpgsqlDbType.Text,
        OracleDbType.Char or OracleDbType.NChar => NpgsqlDbType.Char,
        OracleDbType.Int16 or OracleDbType.Int32 or OracleDbType.Int64 or OracleDbType.Decimal => NpgsqlDbType.Numeric,
        OracleDbType.BinaryDouble => NpgsqlDbType.Double,
        // A DATE has a time of day.
        OracleDbType.TimeStamp or OracleDbType.Date => NpgsqlDbType.Timestamp,
        OracleDbType.Raw or OracleDbType.Blob => NpgsqlDbType.Bytea,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The stand-in does not know this type."),
    };
}

/// <summary>Stand-in: the bind variables of a command.</summary>
public sealed class OracleParameterCollection : DbParameterCollection
{
    private readonly List<OracleParameter> _items = [];

    public override int Count => _items.Count;

    public override object SyncRoot => _items;

    internal IReadOnlyList<OracleParameter> Items => _items;

    public override int Add(object value)
    {
        _items.Add((OracleParameter)value);
        return _items.Count - 1;
    }

    public override void AddRange(Array values)
    {
        foreach (var value in values) Add(value!);
    }

    public override void Clear() => _items.Clear();

    public override bool Contains(object value) => _items.Contains((OracleParameter)value);

    public override bool Contains(string value) => IndexOf(value) >= 0;

    public override void CopyTo(Array array, int index) => ((ICollection)_items).CopyTo(array, index);

    public override IEnumerator GetEnumerator() => _items.GetEnumerator();

    public override int IndexOf(object value) => _items.IndexOf((OracleParameter)value);

    public override int IndexOf(string parameterName) => _items.FindIndex(p => p.ParameterName == parameterName);

    public override void Insert(int index, object value) => _items.Insert(index, (OracleParameter)value);

    public override void Remove(object value) => _items.Remove((OracleParameter)value);

    public override void RemoveAt(int index) => _items.RemoveAt(index);

    public override void RemoveAt(string parameterName) => _items.RemoveAt(IndexOf(parameterName));

    protected override DbParameter GetParameter(int index) => _items[index];

    protected override DbParameter GetParameter(string parameterName) => _items[IndexOf(parameterName)];

    protected override void SetParameter(int index, DbParameter value) => _items[index] = (OracleParameter)value;

    protected override void SetParameter(string parameterName, DbParameter value) =>
        _items[IndexOf(parameterName)] = (OracleParameter)value;
}
