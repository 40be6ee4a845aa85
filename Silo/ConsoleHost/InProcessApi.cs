using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.WebConsole.Data;
using Microsoft.AspNetCore.Http.Features;

namespace KafkaOracleOrleans.Silo.ConsoleHost;

/// <summary>The API for the console: its own endpoints, guard and error texts, without the wire.</summary>
internal sealed class InProcessApi(IServiceProvider services, KorOptions options, UserSessions sessions) : IConsoleApi
{
    private static readonly ClaimsPrincipal Reader = Users.Ticket("console", [KorRoles.Viewer], "console").Principal;
    private RequestDelegate? _pipeline;

    public bool IsReadOnly => options.Http.ReadOnly;

    public bool HasSignIn => Authentication.IsOn(options.Http);

    public bool HasDashboard => options.Http.Dashboard;

    /// <summary>Builds the way of a request: what stands before the API's endpoints over the wire, but for what is about the wire.</summary>
    public void Build(WebApplication app)
    {
        var mapped = ((IEndpointRouteBuilder)app).DataSources.ToList();
        var branch = ((IApplicationBuilder)app).New();
        branch.UseExceptionHandler();
        branch.UseStatusCodePages();
        branch.UseRouting();
        branch.UseAuthorization();
        branch.UseMiddleware<ApiGuard>();
        branch.UseEndpoints(endpoints =>
        {
            foreach (var source in mapped) endpoints.DataSources.Add(source);
        });
        _pipeline = branch.Build();
    }

    public ClaimsPrincipal? Current(ClaimsPrincipal user) => sessions.Current(user);

    public async Task<ApiAnswer> SendAsync(ClaimsPrincipal? user, ApiCall call, CancellationToken cancellation)
    {
        if (user is null && call.Method != HttpMethods.Get) throw new ArgumentException("The console itself only reads.", nameof(call));
        var current = user is null ? Reader : sessions.Current(user);
        if (current is null) return new ApiAnswer(StatusCodes.Status401Unauthorized, ReadOnlyMemory<byte>.Empty);
        var pipeline = _pipeline ?? throw new InvalidOperationException("The API is not mapped yet.");
        // Pages run on a scheduler of their own, one thing at a time; endpoints do not.
        return await Task.Run(() => SendAsync(pipeline, current, call, cancellation), cancellation);
    }

    public async IAsyncEnumerable<ApiEvent> StreamAsync(ClaimsPrincipal user, string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(user);
        if (sessions.Current(user) is not { } current) yield break;
        var pipeline = _pipeline ?? throw new InvalidOperationException("The API is not mapped yet.");
        var pipe = new Pipe();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var scope = services.CreateAsyncScope();
        var http = Request(scope.ServiceProvider, current, new ApiCall(HttpMethods.Get, path), ends.Token);
        http.Response.Body = pipe.Writer.AsStream();
        var work = Task.Run(() => WriteAsync(pipeline, http, pipe.Writer), ends.Token);
        try
        {
            // What the status is, is known once something of the body is there, or all of it.
            var first = await pipe.Reader.ReadAsync(cancellation);
            pipe.Reader.AdvanceTo(first.Buffer.Start);
            if (http.Response.StatusCode is < 200 or > 299)
            {
                using var problem = new StreamReader(pipe.Reader.AsStream());
                yield return new ApiEvent(ApiEvent.Refused, await problem.ReadToEndAsync(cancellation));
                yield break;
            }

            await foreach (var item in SseParser.Create(pipe.Reader.AsStream()).EnumerateAsync(cancellation))
            {
                // The session may end, and the role change, while events go on.
                if (sessions.Current(user) is not { } now || Users.RoleOf(now) != Users.RoleOf(current)) yield break;
                yield return new ApiEvent(item.EventType, item.Data);
            }
        }
        finally
        {
            await ends.CancelAsync();
            await pipe.Reader.CompleteAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task WriteAsync(RequestDelegate pipeline, HttpContext http, PipeWriter writer)
    {
        try
        {
            await pipeline(http);
            await http.Response.CompleteAsync();
        }
        finally
        {
            await writer.CompleteAsync();
        }
    }

    private async Task<ApiAnswer> SendAsync(RequestDelegate pipeline, ClaimsPrincipal user, ApiCall call, CancellationToken cancellation)
    {
        await using var scope = services.CreateAsyncScope();
        using var answer = new MemoryStream();
        var http = Request(scope.ServiceProvider, user, call, cancellation);
        http.Response.Body = answer;
        await pipeline(http);
        await http.Response.CompleteAsync();
        return new ApiAnswer(http.Response.StatusCode, answer.ToArray());
    }

    private static DefaultHttpContext Request(IServiceProvider provider, ClaimsPrincipal user, ApiCall call, CancellationToken cancellation)
    {
        var http = new DefaultHttpContext { RequestServices = provider, User = user, RequestAborted = cancellation };
        var at = call.Path.IndexOf('?', StringComparison.Ordinal);
        http.Request.Method = call.Method;
        http.Request.Scheme = "http";
        http.Request.Host = new HostString("localhost");
        http.Request.Path = PathString.FromUriComponent($"{KorApi.Root}/{(at < 0 ? call.Path : call.Path[..at])}");
        if (at >= 0) http.Request.QueryString = new QueryString(call.Path[at..]);
        http.Request.Headers.Accept = "application/json";
        if (call.IfMatch is { } version) http.Request.Headers.IfMatch = string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");
        http.Connection.RemoteIpAddress = IPAddress.TryParse(user.FindFirst(UserSessions.Origin)?.Value, out var address) ? address : null;
        if (!HttpMethods.IsGet(call.Method))
        {
            var body = Encoding.UTF8.GetBytes(call.Body ?? "");
            http.Request.ContentType = call.ContentType;
            http.Request.ContentLength = body.Length;
            http.Request.Body = new MemoryStream(body);
            http.Features.Set<IHttpRequestBodyDetectionFeature>(HasBody.It);
        }

        return http;
    }

    /// <summary>Says what a server says of a request with a body; without it JSON is not read.</summary>
    private sealed class HasBody : IHttpRequestBodyDetectionFeature
    {
        public static HasBody It { get; } = new();

        public bool CanHaveBody => true;
    }
}
