using System.Buffers;
using System.Data.Common;
using System.Text.RegularExpressions;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Storage.Connections;
using Orleans.Serialization;
using Orleans.Serialization.Buffers;
using Orleans.Serialization.Codecs;
using Orleans.Serialization.Serializers;
using Orleans.Serialization.WireProtocol;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Exceptions that have no form of their own on the wire (a driver's, Kafka's, this product's inner ones) leave the silo as
/// <see cref="GrainFaultException"/>. Without it a caller on another silo reads that there is no codec, and not what went wrong. Calls within a silo are as they were.
/// </summary>
internal sealed partial class ForeignExceptionCodec(IServiceProvider services) : IGeneralizedCodec
{
    public bool IsSupportedType(Type type) =>
        typeof(Exception).IsAssignableFrom(type) && type != typeof(GrainFaultException) && !Orleans().IsSupportedType(type);

    public void WriteField<TBufferWriter>(ref Writer<TBufferWriter> writer, uint fieldIdDelta, Type? expectedType, object? value)
        where TBufferWriter : IBufferWriter<byte> =>
        Ours().WriteField(ref writer, fieldIdDelta, typeof(Exception), Translate((Exception)value!));

    public object ReadValue<TInput>(ref Reader<TInput> reader, Field field) => Ours().ReadValue(ref reader, field)!;

    // Both need the provider of codecs, which is being made when this one is.
    private ExceptionCodec Orleans() => services.GetRequiredService<ExceptionCodec>();

    private IFieldCodec<GrainFaultException> Ours() => services.GetRequiredService<ICodecProvider>().GetCodec<GrainFaultException>();

    /// <summary>What happened, in words that may leave the silo.</summary>
    internal static GrainFaultException Translate(Exception exception)
    {
        var kind = GrainFaultKind.Other;
        for (var e = exception; e is not null && kind == GrainFaultKind.Other; e = e.InnerException)
        {
            kind = e switch
            {
                DbException or DatabaseException or Processing.Ports.StoreUnavailableException => GrainFaultKind.Database,
                KafkaException => GrainFaultKind.Kafka,
                _ => GrainFaultKind.Other,
            };
        }

        return new GrainFaultException(kind, exception.GetType().Name, Secret().Replace(exception.Message, "$1=***"));
    }

    [GeneratedRegex("""\b(password|pwd|secret|token|sasl\.password)\s*[=:]\s*[^;,\s]+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Secret();
}
