using System.Collections;
using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>The types of Oracle's driver that binds name.</summary>
internal enum OracleType
{
    Varchar2,
    NVarchar2,
    Char,
    NChar,
    Clob,
    NClob,
    Int64,
    Int16,
    Decimal,
    BinaryDouble,
    TimeStamp,
    Date,
    Raw,
    Blob,
}

/// <summary>One error of an Oracle exception.</summary>
/// <param name="Number">The number of the ORA- code.</param>
/// <param name="ArrayBindIndex">The row of an array bind, from 0; -1 when it is not about a row.</param>
/// <param name="Message">The text.</param>
internal readonly record struct OracleFault(int Number, int ArrayBindIndex, string Message);

/// <summary>
/// Oracle's driver, found by name and bound once: <c>Oracle.ManagedDataAccess</c> is no reference of this build, so
/// that it builds and runs where the driver cannot be had.
/// </summary>
internal sealed class OracleDriver
{
    private const string Assembly = "Oracle.ManagedDataAccess";
    private const string Namespace = "Oracle.ManagedDataAccess.Client";
    private const int KeepAliveSeconds = 30;
    private const string RoundsDecimals = "SuppressGetDecimalInvalidCastException";

    private static readonly Lazy<OracleDriver> Loaded = new(Load, LazyThreadSafetyMode.PublicationOnly);

    private readonly Action<DbCommand, int> _setArrayBindCount;
    private readonly Action<DbCommand, bool> _setBindByName;
    private readonly Action<DbCommand, int>? _setLobFetchSize;
    private readonly Action<DbDataReader, bool>? _setRoundsDecimals;
    private readonly Action<DbParameter, OracleType> _setType;
    private readonly Func<DbException, int> _number;
    private readonly Func<DbException, IEnumerable> _errors;
    private readonly Func<object, OracleFault> _fault;
    private readonly Action<DbConnection> _clearPool;
    private readonly Action<DbConnection, bool>? _setKeepAlive;
    private readonly Action<DbConnection, bool>? _setHourOffset;
    private readonly Action<DbConnection, int>? _setKeepAliveTime;
    private readonly Type _exception;

    private OracleDriver(Assembly assembly)
    {
        var command = Require(assembly, "OracleCommand");
        var parameter = Require(assembly, "OracleParameter");
        var error = Require(assembly, "OracleError");
        var connection = Require(assembly, "OracleConnection");
        _exception = Require(assembly, "OracleException");
        var factory = Require(assembly, "OracleClientFactory");
        Factory = (DbProviderFactory)(
            factory.GetField("Instance", BindingFlags.Public | BindingFlags.Static)?.GetValue(null)
            ?? throw Unfit("OracleClientFactory.Instance"));
        _setArrayBindCount = Setter<DbCommand, int>(command, "ArrayBindCount");
        _setBindByName = Setter<DbCommand, bool>(command, "BindByName");
        // Not in every version: without it each LOB of a row costs a round trip, and that is all.
        if (command.GetProperty("InitialLOBFetchSize") is not null)
            _setLobFetchSize = Setter<DbCommand, int>(command, "InitialLOBFetchSize");
        // Not before 19.10: a NUMBER of more digits than a decimal has then throws when it is read.
        if (assembly.GetType($"{Namespace}.OracleDataReader") is { } reader && reader.GetProperty(RoundsDecimals) is not null)
            _setRoundsDecimals = Setter<DbDataReader, bool>(reader, RoundsDecimals);
        _setType = TypeSetter(parameter, Require(assembly, "OracleDbType"));
        _number = Getter<DbException, int>(_exception, "Number");
        _errors = Getter<DbException, IEnumerable>(_exception, "Errors");
        var number = Getter<object, int>(error, "Number");
        var index = Getter<object, int>(error, "ArrayBindIndex");
        var message = Getter<object, string>(error, "Message");
        _fault = e => new OracleFault(number(e), index(e), message(e));
        var clear = connection.GetMethod("ClearPool", BindingFlags.Public | BindingFlags.Static, [connection])
            ?? throw Unfit("OracleConnection.ClearPool");
        // Unwrapped: callers tell the driver's failures by their type and source.
        _clearPool = c => clear.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [c], null);
        // The session's zone is the machine's, by a name the server need not know (ORA-01882). No statement depends on it.
        (_setHourOffset, _) = Everywhere(assembly, connection, "UseHourOffsetForUnsupportedTimezone", true);
        (_setKeepAlive, KeepsAlive) = Everywhere(assembly, connection, "KeepAlive", true);
        (_setKeepAliveTime, _) = Everywhere(assembly, connection, "KeepAliveTime", KeepAliveSeconds);
        Version = assembly.GetName().Version?.ToString() ?? "unknown";
        StandIn = assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Any(a => a.Key == "StandIn");
    }

    /// <summary>
    /// The driver. Throws <see cref="ConnectionConfigurationException"/> with the remedy when it is not there.
    /// </summary>
    public static OracleDriver Instance => Loaded.Value;

    public DbProviderFactory Factory { get; }

    /// <summary>True when the driver can find out that a silent peer is gone.</summary>
    public bool KeepsAlive { get; }

    public string Version { get; }

    /// <summary>True when it is the tests' stand-in, which says so itself, and not Oracle's driver.</summary>
    public bool StandIn { get; }

    /// <summary>
    /// Readies a connection before it is opened: a peer that has gone without a word is found out by probes, which the
    /// driver does not send unless told to.
    /// </summary>
    public void Prepare(DbConnection connection)
    {
        _setHourOffset?.Invoke(connection, true);
        _setKeepAlive?.Invoke(connection, true);
        _setKeepAliveTime?.Invoke(connection, KeepAliveSeconds);
    }

    /// <summary>Readies a command: binds by name, and for so many rows at once when there are several.</summary>
    public void Prepare(DbCommand command, int arrayBindCount)
    {
        _setBindByName(command, true);
        if (arrayBindCount > 0) _setArrayBindCount(command, arrayBindCount);
    }

    /// <summary>Readies a query: LOBs come with their row instead of one round trip each.</summary>
    public void PrepareQuery(DbCommand command) => _setLobFetchSize?.Invoke(command, -1);

    /// <summary>Readies a reader: a NUMBER of more digits than a decimal has is rounded to those it has.</summary>
    public void PrepareReader(DbDataReader reader) => _setRoundsDecimals?.Invoke(reader, true);

    /// <summary>True for exceptions that were thrown in the driver's code.</summary>
    public static bool IsFromDriver(Exception exception) => exception.Source == Assembly;

    public void SetType(DbParameter parameter, OracleType type) => _setType(parameter, type);

    public bool IsOracle(Exception exception) => _exception.IsInstanceOfType(exception);

    public int Number(Exception exception) => _number((DbException)exception);

    /// <summary>The single errors of an exception.</summary>
    public IReadOnlyList<OracleFault> Faults(Exception exception) =>
        [.. _errors((DbException)exception).Cast<object>().Select(_fault)];

    public void ClearPool(DbConnection connection) => _clearPool(connection);

    /// <summary>
    /// A setting of a connection, or, where the driver has it for all connections only, set here and now. The second
    /// value is false when this version has it nowhere.
    /// </summary>
    private static (Action<DbConnection, T>? Set, bool Found) Everywhere<T>(Assembly assembly, Type connection, string name, T value)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;
        foreach (var type in (Type?[])[connection, assembly.GetType($"{Namespace}.OracleConfiguration")])
        {
            if (type?.GetProperty(name, Flags) is not { SetMethod: { } set } found || found.PropertyType != typeof(T)) continue;
            if (!set.IsStatic) return (Setter<DbConnection, T>(connection, name), true);
            found.SetValue(null, value);
            return (null, true);
        }

        return (null, false);
    }

    private static OracleDriver Load()
    {
        try
        {
            return new OracleDriver(System.Reflection.Assembly.Load(Assembly));
        }
        catch (Exception missing) when (
            missing is FileNotFoundException or FileLoadException or BadImageFormatException)
        {
            throw new ConnectionConfigurationException(
                "The Oracle driver (Oracle.ManagedDataAccess.Core) is not part of this build. Build with it: "
                + "dotnet publish Silo -p:WithOracleDriver=true", missing);
        }
    }

    private static Type Require(Assembly assembly, string name) =>
        assembly.GetType($"{Namespace}.{name}") ?? throw Unfit(name);

    private static ConnectionConfigurationException Unfit(string member) =>
        new($"The assembly {Assembly} that was found has no {Namespace}.{member}: use Oracle.ManagedDataAccess.Core 23.x.");

    private static Func<TBase, TValue> Getter<TBase, TValue>(Type type, string property)
    {
        var found = type.GetProperty(property) ?? throw Unfit($"{type.Name}.{property}");
        var target = Expression.Parameter(typeof(TBase));
        var read = Expression.Property(Expression.Convert(target, type), found);
        return Expression.Lambda<Func<TBase, TValue>>(Expression.Convert(read, typeof(TValue)), target).Compile();
    }

    private static Action<TBase, TValue> Setter<TBase, TValue>(Type type, string property)
    {
        var found = type.GetProperty(property) ?? throw Unfit($"{type.Name}.{property}");
        var target = Expression.Parameter(typeof(TBase));
        var value = Expression.Parameter(typeof(TValue));
        var write = Expression.Assign(
            Expression.Property(Expression.Convert(target, type), found),
                Expression.Convert(value, found.PropertyType));
        return Expression.Lambda<Action<TBase, TValue>>(write, target, value).Compile();
    }

    /// <summary>Types are resolved by name: their numbers have changed between versions of the driver.</summary>
    private static Action<DbParameter, OracleType> TypeSetter(Type parameter, Type dbType)
    {
        var values = Enum.GetValues<OracleType>()
            .Select(t => Enum.TryParse(dbType, t.ToString(), out var value) ? value! : throw Unfit($"OracleDbType.{t}"))
            .ToArray();
        var property = parameter.GetProperty("OracleDbType") ?? throw Unfit("OracleParameter.OracleDbType");
        var target = Expression.Parameter(typeof(DbParameter));
        var boxed = Expression.Parameter(typeof(object));
        var write = Expression.Assign(
            Expression.Property(Expression.Convert(target, parameter), property), Expression.Unbox(boxed, dbType));
        var set = Expression.Lambda<Action<DbParameter, object>>(write, target, boxed).Compile();
        return (p, type) => set(p, values[(int)type]);
    }
}
