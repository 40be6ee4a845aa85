using System.Collections;
using System.Data.Common;
using System.Globalization;
using Npgsql;

namespace Oracle.ManagedDataAccess.Client;

/// <summary>
/// Stand-in: gives values back as the real driver does. NUMBER comes as a type that depends on its digits and does not
/// fit a decimal above 28 of them, DATE has a time of day, CHAR comes padded.
/// </summary>
public sealed class OracleDataReader : DbDataReader
{
    private const int MostDigits = 28;

    private readonly NpgsqlCommand _command;
    private readonly NpgsqlDataReader _inner;
    private readonly ColumnType[] _types;

    internal OracleDataReader(NpgsqlCommand command, NpgsqlDataReader inner)
    {
        _command = command;
        _inner = inner;
        _types = [.. Enumerable.Range(0, inner.FieldCount).Select(i => ColumnType.Of(inner.GetDataTypeName(i)))];
    }

    /// <summary>True: a NUMBER of too many digits is rounded; false, the default: it throws.</summary>
    public bool SuppressGetDecimalInvalidCastException { get; set; }

    public override int Depth => 0;

    public override int FieldCount => _inner.FieldCount;

    public override bool HasRows => _inner.HasRows;

    public override bool IsClosed => _inner.IsClosed;

    public override int RecordsAffected => _inner.RecordsAffected;

    public override object this[int ordinal] => GetValue(ordinal);

    public override object this[string name] => GetValue(GetOrdinal(name));

    public override bool Read() => Guarded(_inner.Read);

    public override bool NextResult() => Guarded(_inner.NextResult);

    public override void Close()
    {
        _inner.Dispose();
        _command.Dispose();
    }

    public override string GetName(int ordinal)
    {
        var name = _inner.GetName(ordinal);
        // PostgreSQL folds plain names to lower case, Oracle to upper.
        return name.Any(char.IsUpper) ? name : name.ToUpperInvariant();
    }

    public override int GetOrdinal(string name)
    {
        for (var i = 0; i < FieldCount; i++)
        {
            if (GetName(i).Equals(name, StringComparison.OrdinalIgnoreCase)) return i;
        }

        throw new IndexOutOfRangeException($"Unable to find specified column in result set: {name}");
    }

    public override string GetDataTypeName(int ordinal) => _types[ordinal].Name;

    public override Type GetFieldType(int ordinal) => _types[ordinal].Clr;

    public override bool IsDBNull(int ordinal) => _inner.IsDBNull(ordinal);

    public override object GetValue(int ordinal)
    {
        if (IsDBNull(ordinal)) return DBNull.Value;
        var type = _types[ordinal];
        if (type.Clr == typeof(short)) return (short)GetDecimal(ordinal);
        if (type.Clr == typeof(int)) return (int)GetDecimal(ordinal);
        if (type.Clr == typeof(long)) return (long)GetDecimal(ordinal);
        if (type.Clr == typeof(float)) return (float)GetDecimal(ordinal);
        if (type.Clr == typeof(double)) return GetDouble(ordinal);
        if (type.Clr == typeof(decimal)) return GetDecimal(ordinal);
        if (type.Clr == typeof(DateTime)) return GetDateTime(ordinal);
        return type.Clr == typeof(byte[]) ? Binary(ordinal) : GetString(ordinal);
    }

    public override int GetValues(object[] values)
    {
        var count = Math.Min(values.Length, FieldCount);
        for (var i = 0; i < count; i++) values[i] = GetValue(i);
        return count;
    }

    public override decimal GetDecimal(int ordinal)
    {
        var text = Text(ordinal, "Decimal");
        var digits = text.AsSpan().TrimStart('-').TrimStart('0').TrimStart('.').TrimStart('0');
        var count = digits.Length - (digits.Contains('.') ? 1 : 0);
        var value = decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (count <= MostDigits || SuppressGetDecimalInvalidCastException) return value;
        // 29 digits fit where they are small enough.
        return value.ToString(CultureInfo.InvariantCulture) == text
            ? value
            : throw new InvalidCastException("Specified cast is not valid: the NUMBER has more digits than a decimal.");
    }

    public override long GetInt64(int ordinal)
    {
        var value = GetDecimal(ordinal);
        return decimal.Truncate(value) == value ? (long)value : throw new InvalidCastException("The NUMBER has a fraction.");
    }

    public override int GetInt32(int ordinal) => checked((int)GetInt64(ordinal));

    public override short GetInt16(int ordinal) => checked((short)GetInt64(ordinal));

    public override byte GetByte(int ordinal) => checked((byte)GetInt64(ordinal));

    public override bool GetBoolean(int ordinal) => throw new InvalidCastException("The driver has no booleans before server 23.");

    public override double GetDouble(int ordinal) => double.Parse(
        Text(ordinal, "Decimal", "BinaryDouble"), NumberStyles.Float, CultureInfo.InvariantCulture);

    public override float GetFloat(int ordinal) => (float)GetDouble(ordinal);

    public override string GetString(int ordinal) => Text(ordinal, "Varchar2", "Char", "Clob");

    public override DateTime GetDateTime(int ordinal)
    {
        var text = Text(ordinal, "Date", "TimeStamp", "TimeStampTZ");
        // The zone is lost on the way, as it is in the real driver.
        if (_types[ordinal].Name == "TimeStampTZ") text = text[..text.LastIndexOfAny(['+', '-'])];
        return DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.None);
    }

    public override char GetChar(int ordinal) => throw new NotSupportedException();

    public override Guid GetGuid(int ordinal) => throw new NotSupportedException();

    public override long GetBytes(int ordinal, long dataOffset, byte[]? buffer, int bufferOffset, int length)
    {
        var bytes = Binary(ordinal);
        if (buffer is null) return bytes.Length;
        var count = (int)Math.Clamp(bytes.Length - dataOffset, 0, length);
        Array.Copy(bytes, dataOffset, buffer, bufferOffset, count);
        return count;
    }

    public override long GetChars(int ordinal, long dataOffset, char[]? buffer, int bufferOffset, int length)
    {
        var text = GetString(ordinal);
        if (buffer is null) return text.Length;
        var count = (int)Math.Clamp(text.Length - dataOffset, 0, length);
        text.CopyTo((int)dataOffset, buffer, bufferOffset, count);
        return count;
    }

    public override T GetFieldValue<T>(int ordinal) =>
        typeof(T) == typeof(Stream) ? (T)(object)new MemoryStream(Binary(ordinal))
            : GetValue(ordinal) is T value ? value
            : (T)Convert.ChangeType(GetValue(ordinal), typeof(T), CultureInfo.InvariantCulture);

    public override IEnumerator GetEnumerator() => new DbEnumerator(this);

    private byte[] Binary(int ordinal) => Convert.FromHexString(Text(ordinal, "Blob").AsSpan(2));

    private string Text(int ordinal, params string[] types)
    {
        if (IsDBNull(ordinal)) throw new InvalidCastException("Column contains NULL data.");
        return types.Contains(_types[ordinal].Name)
            ? _inner.GetString(ordinal)
            : throw new InvalidCastException($"Specified cast is not valid: the column is {_types[ordinal].Name}.");
    }

    private static bool Guarded(Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (Exception failure) when (failure is NpgsqlException or IOException)
        {
            throw OracleException.From(failure, connecting: false);
        }
    }

    /// <summary>A column's type in the words of the real driver.</summary>
    private sealed record ColumnType(string Name, Type Clr)
    {
        public static ColumnType Of(string type)
        {
            var bracket = type.IndexOf('(', StringComparison.Ordinal);
            var facets = bracket < 0
                ? []
                : type[(bracket + 1)..type.IndexOf(')', StringComparison.Ordinal)].Split(',')
                    .Select(f => int.Parse(f, CultureInfo.InvariantCulture)).ToArray();
            var name = bracket < 0 ? type : type[..bracket] + type[(type.IndexOf(')', StringComparison.Ordinal) + 1)..];
            return name switch
            {
                "numeric" when facets.Length > 0 => new ColumnType("Decimal", NumberType(facets[0], facets.Length > 1 ? facets[1] : 0)),
                "numeric" or "bigint" or "integer" or "smallint" => new ColumnType("Decimal", typeof(decimal)),
                "double precision" or "real" => new ColumnType("BinaryDouble", typeof(double)),
                "timestamp without time zone" when facets is [0] => new ColumnType("Date", typeof(DateTime)),
                "date" => new ColumnType("Date", typeof(DateTime)),
                "timestamp without time zone" => new ColumnType("TimeStamp", typeof(DateTime)),
                "timestamp with time zone" => new ColumnType("TimeStampTZ", typeof(DateTime)),
                "bytea" => new ColumnType("Blob", typeof(byte[])),
                "character" => new ColumnType("Char", typeof(string)),
                "character varying" => new ColumnType("Varchar2", typeof(string)),
                _ => new ColumnType("Clob", typeof(string)),
            };
        }

        private static Type NumberType(int precision, int scale) => (precision, scale) switch
        {
            ( < 5, 0) => typeof(short),
            ( < 10, 0) => typeof(int),
            ( < 19, 0) => typeof(long),
            ( < 8, > 0) => typeof(float),
            ( < 16, > 0) => typeof(double),
            _ => typeof(decimal),
        };
    }
}
