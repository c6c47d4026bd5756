package org.luthier.workbench.internal;

import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.luthier.api.audio.AudioReader;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.model.Decoder;
import org.luthier.api.model.Execution;
import org.luthier.api.model.ModelFamily;
import org.luthier.api.notes.FrameNoteAssembler;
import org.luthier.api.notes.NoteAssembler;
import org.luthier.api.notes.TokenNoteAssembler;
import org.luthier.api.notes.TranscriptionWriter;
import org.luthier.api.plugin.Part;
import org.luthier.api.tokens.Tokenizer;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Parts;
import org.luthier.workbench.Registration;
import org.luthier.workbench.Workbench;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.util.tracker.ServiceTracker;

/** Fills a workbench with the parts that are services, each for as long as it is one, and registers it as a service itself. */
@Component(
        service = {},
        immediate = true)
public final class WorkbenchComponent {
    /** The contracts that parts are registered under, and the kind each counts as. */
    static final Map<String, Class<? extends Part>> KINDS = Map.of(
            AudioReader.class.getName(), AudioReader.class,
            CheckpointFormat.class.getName(), CheckpointFormat.class,
            ModelFamily.class.getName(), ModelFamily.class,
            Tokenizer.class.getName(), Tokenizer.class,
            Decoder.class.getName(), Decoder.class,
            NoteAssembler.class.getName(), NoteAssembler.class,
            FrameNoteAssembler.class.getName(), NoteAssembler.class,
            TokenNoteAssembler.class.getName(), NoteAssembler.class,
            TranscriptionWriter.class.getName(), TranscriptionWriter.class);

    /** A plug-in that somebody installed comes before what Luthier brings, whatever their versions. */
    private static final int PLUGIN_RANKING = 1000;

    private static final long DRAIN_SECONDS = 600;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Workbench workbench;
    private final ServiceTracker<Part, List<Registration>> tracker;
    private final ServiceRegistration<Workbench> registration;

    /** @param context gives the framework properties {@code luthier.models}, {@code luthier.backend}, {@code luthier.workers} and
     *     {@code luthier.drain} (seconds that a leaving part waits for its jobs) */
    @Activate
    public WorkbenchComponent(BundleContext context) throws InvalidSyntaxException {
        Duration drain = Duration.ofSeconds(number(context, "luthier.drain", DRAIN_SECONDS));
        Parts parts = new Parts(drain, PATIENCE);
        String backend = context.getProperty("luthier.backend");
        int workers =
                (int) number(context, "luthier.workers", Runtime.getRuntime().availableProcessors());
        workbench = new Workbench(
                parts,
                new ModelCatalog(folders(context)),
                new Execution(backend == null ? "cpu" : backend, kernels(backend), workers));
        tracker = new PartTracker(context, parts);
        tracker.open();
        registration = context.registerService(Workbench.class, workbench, null);
    }

    /** Ends the jobs first, so that no part has to wait for them. */
    @Deactivate
    public void close() {
        registration.unregister();
        workbench.close();
        tracker.close();
    }

    /** A filter for the services that are parts. */
    static String filter() {
        return KINDS.keySet().stream()
                .sorted()
                .map(name -> "(" + Constants.OBJECTCLASS + "=" + name + ")")
                .collect(Collectors.joining("", "(|", ")"));
    }

    /** The kinds that a service counts as. */
    static Set<Class<? extends Part>> kinds(ServiceReference<?> reference) {
        Set<Class<? extends Part>> kinds = new LinkedHashSet<>();
        for (String name : (String[]) reference.getProperty(Constants.OBJECTCLASS)) {
            if (KINDS.containsKey(name)) {
                kinds.add(KINDS.get(name));
            }
        }
        return kinds;
    }

    private static List<Path> folders(BundleContext context) {
        String text = context.getProperty("luthier.models");
        return text == null
                ? List.of()
                : Arrays.stream(text.split(File.pathSeparator)).map(Path::of).toList();
    }

    private static String kernels(String backend) {
        return backend == null || backend.equals("cpu") ? "cpu" : "nd4j";
    }

    private static long number(BundleContext context, String property, long otherwise) {
        String text = context.getProperty(property);
        return text == null ? otherwise : Long.parseLong(text);
    }

    /** Adds each part once for every kind that it counts as; its service's end is the part's end, after draining. */
    private static final class PartTracker extends ServiceTracker<Part, List<Registration>> {
        private final Parts parts;

        private PartTracker(BundleContext context, Parts parts) throws InvalidSyntaxException {
            super(context, FrameworkUtil.createFilter(filter()), null);
            this.parts = parts;
        }

        @Override
        public List<Registration> addingService(ServiceReference<Part> reference) {
            Part part = context.getService(reference);
            if (part == null) {
                return null;
            }
            List<Registration> registrations = new ArrayList<>();
            for (Class<? extends Part> kind : kinds(reference)) {
                registrations.add(add(kind, part, reference));
            }
            return registrations;
        }

        private <P extends Part> Registration add(Class<P> kind, Part part, ServiceReference<Part> reference) {
            int ranking = reference.getProperty(Constants.SERVICE_RANKING) instanceof Integer given ? given : 0;
            boolean plugin = PluginBundles.isPlugin(reference.getBundle());
            return parts.add(
                    kind,
                    kind.cast(part),
                    reference.getBundle().getVersion().toString(),
                    plugin ? ranking + PLUGIN_RANKING : ranking);
        }

        @Override
        public void removedService(ServiceReference<Part> reference, List<Registration> registrations) {
            registrations.forEach(Registration::close);
            context.ungetService(reference);
        }
    }
}
