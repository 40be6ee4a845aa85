using System.Reflection;
using System.Runtime.Loader;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Tests;

public sealed class OracleDriverTests
{
    [Fact]
    public void Without_the_driver_an_Oracle_connection_is_refused_with_the_command_that_fixes_it()
    {
        var context = new WithoutOracle();
        var storage = context.LoadFromAssemblyPath(typeof(Database).Assembly.Location);
        var optionsType = storage.GetType(typeof(ConnectionOptions).FullName!)!;
        var providerType = storage.GetType(typeof(DatabaseProvider).FullName!)!;
        var options = Activator.CreateInstance(optionsType)!;
        optionsType.GetProperty("Provider")!.SetValue(options, Enum.Parse(providerType, "Oracle"));
        optionsType.GetProperty("ConnectionString")!.SetValue(options, "User Id=kor;Data Source=//db:1521/orders");

        var refused = Assert.Throws<TargetInvocationException>(
            () => Activator.CreateInstance(storage.GetType(typeof(Database).FullName!)!, "dwh", options,
                null)).InnerException!;

        Assert.Equal(nameof(ConnectionConfigurationException), refused.GetType().Name);
        Assert.Contains("Connection 'dwh'", refused.Message);
        Assert.Contains("dotnet publish Silo -p:WithOracleDriver=true", refused.Message);
        context.Unload();
    }

    /// <summary>The product as it is where the driver was not built in.</summary>
    private sealed class WithoutOracle() : AssemblyLoadContext(nameof(WithoutOracle), isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName assemblyName) =>
            assemblyName.Name == "Oracle.ManagedDataAccess"
                ? throw new FileNotFoundException("not here", assemblyName.Name)
                : null;
    }
}
