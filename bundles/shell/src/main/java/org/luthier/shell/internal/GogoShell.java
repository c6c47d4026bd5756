package org.luthier.shell.internal;

import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSessionListener;
import org.apache.felix.service.command.Function;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * Offers the commands to Gogo, one by one, with what its completion needs. Where there is no Gogo, for a single command, there is no such
 * component, and the rest of the bundle works without Gogo's classes.
 */
@Component(immediate = true, service = GogoShell.class)
public final class GogoShell {
    private final BundleContext context;
    private final Surroundings surroundings;
    private final Map<ShellCommand<?>, ServiceRegistration<Function>> commands = new ConcurrentHashMap<>();
    private final List<ServiceRegistration<?>> others;
    private final ControlC controlC = new ControlC();

    /** @param gogo unused, but without it there is nobody to offer anything to */
    @Activate
    public GogoShell(
            BundleContext context,
            @Reference Surroundings surroundings,
            @Reference Shell shell,
            @Reference CommandProcessor gogo) {
        this.context = context;
        this.surroundings = surroundings;
        Completions completions = new Completions(shell);
        Function unknown = GogoCommand.unknown(shell, surroundings);
        others = List.of(
                register(completions, Completions.SCOPE, Completions.FUNCTION),
                register(GogoCommand.luthier(shell, surroundings, controlC), Completions.SCOPE, Completions.SCOPE),
                register(unknown, Completions.SCOPE, "default"),
                register(GogoCommand.exit(surroundings), Completions.SCOPE, "exit"),
                register(GogoCommand.exit(surroundings), Completions.SCOPE, "quit"),
                register(GogoCommand.lines("gogo:head", unknown), Completions.SCOPE, "head"),
                register(GogoCommand.lines("gogo:tail", unknown), Completions.SCOPE, "tail"),
                context.registerService(CommandSessionListener.class, completions, null));
        bind(shell.command("help"));
    }

    @Deactivate
    void close() {
        others.forEach(ServiceRegistration::unregister);
        commands.values().forEach(ServiceRegistration::unregister);
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void bind(ShellCommand<?> command) {
        String[] name = gogoName(command).split(":", 2);
        commands.put(command, register(new GogoCommand(command, surroundings, controlC), name[0], name[1]));
    }

    void unbind(ShellCommand<?> command) {
        ServiceRegistration<Function> registration = commands.remove(command);
        if (registration != null) {
            registration.unregister();
        }
    }

    /** The command's name with a scope, as Gogo wants it. */
    static String gogoName(ShellCommand<?> command) {
        return command.name().contains(":") ? command.name() : Completions.SCOPE + ":" + command.name();
    }

    private ServiceRegistration<Function> register(Function function, String scope, String name) {
        Dictionary<String, Object> properties = new Hashtable<>();
        properties.put(CommandProcessor.COMMAND_SCOPE, scope);
        properties.put(CommandProcessor.COMMAND_FUNCTION, name);
        return context.registerService(Function.class, function, properties);
    }
}
