package org.luthier.workbench.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.plugin.Part;
import org.luthier.files.AtomicFile;
import org.luthier.files.Reason;
import org.luthier.files.Sha256;
import org.luthier.workbench.PartInfo;
import org.luthier.workbench.Plugins;
import org.luthier.workbench.Want;
import org.luthier.workbench.Workbench;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plug-ins: the jars of the plug-ins folder and the bundles they run as. Commands and the folder's watcher end in the same steps:
 * the new bundle is started beside the old one and looked at, and only then the old one leaves, which waits for its jobs.
 */
@Component(service = Plugins.class, immediate = true)
public final class PluginBundles implements Plugins {
    private static final Logger LOG = LoggerFactory.getLogger(PluginBundles.class);

    /** Marks the location of a plug-in's bundle; what follows is different each time, so that old and new stand side by side. */
    private static final String LOCATION = "luthier-plugin:";

    /** Prefix of the files that remember which build a library was updated to. */
    private static final String BUILD = "build-of-";

    private static final long REFRESH_SECONDS = 30;

    private final BundleContext context;
    private final BundleContext system;
    private final Workbench workbench;
    private final Path folder;
    private final boolean interactive;
    private final ServiceRegistration<?> watch;
    /** What runs of the folder, by file; guarded by this. */
    private final Map<Path, Running> running = new HashMap<>();

    /** What each bundle of the product had that a swap has put away, by the bundle's location; guarded by this. */
    private final Map<String, Set<Want>> putAway = new HashMap<>();

    private long serial;

    /** A jar of the folder that runs.
     *
     * @param sha256 of the jar */
    private record Running(Bundle bundle, String sha256) {}

    /** A part and the bundle that offers it. */
    private record Offer(Want part, Bundle bundle) {
        String kind() {
            return part.kind().getSimpleName();
        }

        String id() {
            return part.id();
        }
    }

    @Activate
    public PluginBundles(BundleContext context, @Reference Workbench workbench) {
        this.context = context;
        // An update of api restarts this bundle while it waits; the framework's own context stays valid.
        this.system = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).getBundleContext();
        this.workbench = workbench;
        String plugins = context.getProperty("luthier.plugins");
        this.folder = plugins == null ? null : Path.of(plugins).toAbsolutePath().normalize();
        this.interactive = Boolean.parseBoolean(context.getProperty("luthier.interactive"));
        adopt();
        this.watch = watch(context);
    }

    private ServiceRegistration<?> watch(BundleContext context) {
        try {
            return folder == null ? null : FolderWatch.register(context, this);
        } catch (NoClassDefFoundError e) {
            LOG.debug("FileInstall is not there: the plug-ins folder is not watched", e);
            return null;
        }
    }

    @Deactivate
    void close() {
        if (watch != null) {
            watch.unregister();
        }
    }

    /** Whether a bundle runs as a plug-in. */
    static boolean isPlugin(Bundle bundle) {
        return bundle.getLocation().startsWith(LOCATION);
    }

    @Override
    public List<Plugin> list() {
        List<Offer> offers = offers();
        List<Plugin> plugins = new ArrayList<>();
        for (PartInfo part : workbench.parts().list()) {
            Offer offer = offers.stream()
                    .filter(other -> other.kind().equals(part.kind())
                            && other.id().equals(part.id())
                            && other.bundle.getVersion().toString().equals(part.version()))
                    .findFirst()
                    .orElse(null);
            offers.remove(offer);
            plugins.add(new Plugin(part, offer == null ? "" : offer.bundle.getSymbolicName()));
        }
        return plugins;
    }

    @Override
    public synchronized String install(Path jar) {
        PluginJar plugin = PluginJar.read(jar);
        Bundle library = library(plugin);
        if (library != null) {
            return update(library, plugin);
        }
        Bundle started = start(plugin);
        Bundle before = keep(plugin, started);
        if (before != null) {
            retire(before);
        }
        return "installed " + plugin.label() + " with " + names(started) + when();
    }

    @Override
    public synchronized String swap(String id, Path jar) {
        if (bundlesWith(id).isEmpty()) {
            throw new LuthierException("no part '" + id + "'; there are: "
                    + String.join(
                            ", ", new TreeSet<>(offers().stream().map(Offer::id).toList())));
        }
        PluginJar plugin = PluginJar.read(jar);
        Bundle started = start(plugin);
        Set<Want> parts = partsOf(started);
        // A tokenizer may have the id of a model family: only what is of one kind takes the other's place.
        Set<Bundle> old = offers().stream()
                .filter(offer -> !offer.bundle.equals(started))
                .filter(offer -> offer.id().equals(id) && parts.contains(offer.part))
                .map(Offer::bundle)
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (old.isEmpty()) {
            String names = names(started);
            uninstall(started);
            throw new LuthierException(jar + " has no part '" + id + "', it has " + names + "; nothing was changed");
        }
        Bundle before = keep(plugin, started);
        if (before != null) {
            old.add(before);
        }
        for (Bundle bundle : old) {
            Set<Want> lost = new HashSet<>(partsOf(bundle));
            lost.removeAll(parts);
            if (isPlugin(bundle)) {
                bringBack(lost);
                forget(bundle, file(plugin));
                retire(bundle);
            } else if (lost.isEmpty() && !isNeeded(bundle)) {
                putAway.put(bundle.getLocation(), partsOf(bundle));
                retire(bundle);
            }
        }
        return id + " now comes from " + plugin.label() + ", in place of " + labels(old) + when();
    }

    @Override
    public synchronized String remove(String id) {
        List<Bundle> old = bundlesWith(id);
        if (old.isEmpty()) {
            List<Bundle> removable = offers().stream()
                    .map(Offer::bundle)
                    .filter(PluginBundles::isPlugin)
                    .distinct()
                    .toList();
            throw new LuthierException("no plug-in has a part '" + id + "'; "
                    + (removable.isEmpty()
                            ? "there are none, all parts come with Luthier"
                            : "there are " + labels(removable)));
        }
        List<Bundle> plugins = old.stream().filter(PluginBundles::isPlugin).toList();
        long kinds = plugins.stream()
                .flatMap(bundle -> partsOf(bundle).stream())
                .filter(part -> part.id().equals(id))
                .distinct()
                .count();
        if (plugins.size() > 1 && kinds > 1) {
            throw new LuthierException("several plug-ins have a part '" + id + "': " + labels(plugins)
                    + "; say which one by its name: plugin:remove "
                    + plugins.get(0).getSymbolicName());
        }
        if (plugins.isEmpty()) {
            throw new LuthierException(id + " comes with Luthier (" + label(old.get(0))
                    + ") and cannot be removed; replace it with plugin:swap " + id + " JAR");
        }
        String names = plugins.stream()
                .map(bundle -> label(bundle) + " with " + names(bundle))
                .collect(Collectors.joining(", "));
        List<Bundle> back = new ArrayList<>();
        for (Bundle bundle : plugins) {
            back.addAll(bringBack(partsOf(bundle)));
            forget(bundle, null);
            retire(bundle);
        }
        return "removed " + names + (back.isEmpty() ? "" : "; back again: " + labels(back)) + when();
    }

    /** Whether a file is a jar of the folder itself. */
    boolean isPluginFile(Path file) {
        return file.toAbsolutePath().normalize().getParent().equals(folder)
                && file.toString().endsWith(".jar");
    }

    /** A jar is in the folder, or has changed. */
    synchronized void appeared(Path path) {
        Path file = path.toAbsolutePath().normalize();
        try {
            String sha256 = Sha256.hex(file);
            Running before = running.get(file);
            if (before != null && before.sha256.equals(sha256)) {
                return;
            }
            PluginJar plugin = PluginJar.read(file);
            Bundle library = library(plugin);
            if (library != null) {
                if (!sha256.equals(buildOf(library))) {
                    update(library, plugin);
                }
                return;
            }
            Bundle started = start(plugin);
            running.put(file, new Running(started, sha256));
            if (before != null) {
                retire(before.bundle);
            }
        } catch (LuthierException e) {
            LOG.warn("plug-in left out: {}", e.getMessage());
            throw e;
        }
    }

    /** A jar has left the folder. */
    synchronized void disappeared(Path path) {
        Running left = running.remove(path.toAbsolutePath().normalize());
        if (left != null) {
            bringBack(partsOf(left.bundle));
            retire(left.bundle);
        }
    }

    /** Takes over the plug-ins that run already, when the workbench itself was restarted. */
    private void adopt() {
        for (Bundle bundle : system.getBundles()) {
            if (isPlugin(bundle)) {
                String[] location =
                        bundle.getLocation().substring(LOCATION.length()).split(":", 3);
                running.put(Path.of(location[2]), new Running(bundle, location[1]));
            }
        }
    }

    /** Starts a plug-in beside whatever runs; if it does not start, or has no parts, it leaves no trace. */
    private Bundle start(PluginJar plugin) {
        for (Bundle bundle : system.getBundles()) {
            // It would be wired to the code of the one that stays.
            if (plugin.name().equals(bundle.getSymbolicName()) && !isPlugin(bundle) && isNeeded(bundle)) {
                throw new LuthierException(plugin.path() + " is another build of " + label(bundle)
                        + ", which the workbench needs: it comes with another Luthier, not as a plug-in");
            }
        }
        Bundle bundle = null;
        try (InputStream in = Files.newInputStream(plugin.path())) {
            String location =
                    LOCATION + serial++ + System.nanoTime() + ":" + Sha256.hex(plugin.path()) + ":" + file(plugin);
            bundle = system.installBundle(location, in);
            bundle.start(Bundle.START_TRANSIENT);
        } catch (IOException e) {
            throw new LuthierException("cannot read " + plugin.path() + ": " + Reason.of(e), e);
        } catch (BundleException e) {
            uninstall(bundle);
            throw new LuthierException(plugin.path() + " does not start: " + reason(e), e);
        }
        if (offersOf(bundle).isEmpty()) {
            uninstall(bundle);
            throw new LuthierException(plugin.path() + " is no plug-in: " + plugin.label()
                    + (plugin.hasComponents()
                            ? " starts but none of its components becomes a part"
                            : " has no components (no Service-Component in its manifest)"));
        }
        return bundle;
    }

    /** The file that a plug-in is kept as: a jar of the folder stays what it is, another takes its bundle's name. */
    private Path file(PluginJar plugin) {
        Path path = plugin.path().toAbsolutePath().normalize();
        if (folder == null) {
            throw new LuthierException(
                    "there is no plug-ins folder: the framework property luthier.plugins is not set");
        }
        return folder.equals(path.getParent()) ? path : folder.resolve(plugin.name() + ".jar");
    }

    /** Keeps a plug-in that runs; if that fails it leaves no trace.
     *
     * @return the bundle that ran of its file before, or null */
    private Bundle keep(PluginJar plugin, Bundle started) {
        Path file = file(plugin);
        Running before = running.put(file, new Running(started, Sha256.hex(plugin.path())));
        try {
            keep(plugin);
            return before == null ? null : before.bundle;
        } catch (LuthierException e) {
            if (before == null) {
                running.remove(file);
            } else {
                running.put(file, before);
            }
            uninstall(started);
            throw e;
        }
    }

    private void keep(PluginJar plugin) {
        Path file = file(plugin);
        if (file.equals(plugin.path().toAbsolutePath().normalize())) {
            return;
        }
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new LuthierException("cannot make the plug-ins folder " + folder + ": " + Reason.of(e), e);
        }
        AtomicFile.write(file, true, out -> Files.copy(plugin.path(), out));
    }

    /** Deletes the file of a plug-in, unless another one has taken its place. */
    private void forget(Bundle bundle, Path replaced) {
        for (Path file : List.copyOf(running.keySet())) {
            if (running.get(file).bundle.equals(bundle) && !file.equals(replaced)) {
                running.remove(file);
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    throw new LuthierException(
                            "cannot delete " + file + ": " + Reason.of(e) + "; it will be back after the next start",
                            e);
                }
            }
        }
    }

    /** Whether the workbench itself is wired to a bundle, or is in it: without the one there is not the other. */
    private boolean isNeeded(Bundle bundle) {
        FrameworkWiring wiring = system.getBundle().adapt(FrameworkWiring.class);
        return wiring.getDependencyClosure(List.of(bundle)).contains(context.getBundle());
    }

    /** Starts again what swaps have put away of the product for these parts; before those leave, so that none is missed. */
    private List<Bundle> bringBack(Set<Want> parts) {
        List<Bundle> back = new ArrayList<>();
        for (String location : List.copyOf(putAway.keySet())) {
            if (!Collections.disjoint(putAway.get(location), parts)) {
                putAway.remove(location);
                try {
                    Bundle bundle = system.installBundle(location);
                    bundle.start();
                    back.add(bundle);
                } catch (BundleException e) {
                    LOG.warn("{} does not come back before the next start: {}", location, reason(e));
                }
            }
        }
        return back;
    }

    /** Lets a bundle go, after its jobs. */
    private void retire(Bundle bundle) {
        uninstall(bundle);
        refresh(List.of(bundle));
    }

    private static void uninstall(Bundle bundle) {
        try {
            if (bundle != null) {
                bundle.uninstall();
            }
        } catch (BundleException | IllegalStateException e) {
            LOG.warn("{} could not be uninstalled: {}", label(bundle), e.getMessage());
        }
    }

    /** The bundle that a jar without components is another build of: a room that others are wired to, nn for instance. */
    private Bundle library(PluginJar plugin) {
        if (plugin.name().equals(context.getBundle().getSymbolicName())) {
            throw new LuthierException(
                    plugin.path() + " is the workbench itself: it comes with another Luthier, not as a plug-in");
        }
        if (plugin.hasComponents()) {
            return null;
        }
        for (Bundle bundle : system.getBundles()) {
            if (plugin.name().equals(bundle.getSymbolicName())) {
                return bundle;
            }
        }
        return null;
    }

    /** Updates a library in place, keeps its jar, and restarts what is wired to it. */
    private String update(Bundle library, PluginJar plugin) {
        FrameworkWiring wiring = system.getBundle().adapt(FrameworkWiring.class);
        Collection<Bundle> restarted = wiring.getDependencyClosure(List.of(library));
        String names = restarted.stream()
                .filter(bundle -> !bundle.equals(library))
                .map(Bundle::getSymbolicName)
                .sorted()
                .collect(Collectors.joining(", "));
        String before = label(library);
        Path build = context.getDataFile(BUILD + library.getBundleId()).toPath();
        try (InputStream in = Files.newInputStream(plugin.path())) {
            library.update(in);
            library.start(Bundle.START_TRANSIENT);
            Files.writeString(build, Sha256.hex(plugin.path()));
            keep(plugin);
        } catch (IOException | BundleException | LuthierException e) {
            restore(library, build);
            String reason = e instanceof BundleException broken ? reason(broken) : e.getMessage();
            throw new LuthierException(plugin.path() + " cannot take the place of " + before + ": " + reason, e);
        }
        if (restarted.contains(context.getBundle())) {
            // This bundle too: nobody would be left to wait.
            wiring.refreshBundles(List.of(library));
        } else {
            refresh(List.of(library));
        }
        return "updated " + before + " to " + plugin.label() + ", which restarts "
                + (names.isEmpty() ? "nothing else" : names) + when();
    }

    private static void restore(Bundle library, Path build) {
        try {
            Files.deleteIfExists(build);
            library.update();
            library.start(Bundle.START_TRANSIENT);
        } catch (IOException | BundleException e) {
            LOG.warn("{} could not be restored: {}; start Luthier again", label(library), e.getMessage());
        }
    }

    /** Checksum of the jar that a library was last updated to, or null; it outlives a restart of this bundle. */
    private String buildOf(Bundle library) {
        try {
            Path build = context.getDataFile(BUILD + library.getBundleId()).toPath();
            return Files.exists(build) ? Files.readString(build) : null;
        } catch (IOException e) {
            return null;
        }
    }

    private void refresh(Collection<Bundle> bundles) {
        CountDownLatch refreshed = new CountDownLatch(1);
        system.getBundle().adapt(FrameworkWiring.class).refreshBundles(bundles, event -> {
            if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED || event.getType() == FrameworkEvent.ERROR) {
                refreshed.countDown();
            }
        });
        try {
            if (!refreshed.await(REFRESH_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("the framework takes more than {} s to let go of {}", REFRESH_SECONDS, bundles);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The bundles with a part of an id, or of a symbolic name, the plug-ins among them first. */
    private List<Bundle> bundlesWith(String id) {
        return offers().stream()
                .filter(offer -> offer.id().equals(id) || id.equals(offer.bundle.getSymbolicName()))
                .map(Offer::bundle)
                .distinct()
                .toList();
    }

    private List<Offer> offersOf(Bundle bundle) {
        return offers().stream().filter(offer -> offer.bundle.equals(bundle)).toList();
    }

    private List<Offer> offers() {
        try {
            List<Offer> offers = new ArrayList<>();
            ServiceReference<?>[] references = system.getAllServiceReferences(null, WorkbenchComponent.filter());
            for (ServiceReference<?> reference : references == null ? new ServiceReference<?>[0] : references) {
                Bundle bundle = reference.getBundle();
                if (bundle != null && system.getService(reference) instanceof Part part) {
                    String id = part.id();
                    WorkbenchComponent.kinds(reference)
                            .forEach(kind -> offers.add(new Offer(new Want(kind, id), bundle)));
                    system.ungetService(reference);
                }
            }
            return offers;
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Set<Want> partsOf(Bundle bundle) {
        return offersOf(bundle).stream().map(Offer::part).collect(Collectors.toSet());
    }

    private String names(Bundle bundle) {
        return String.join(
                ", ", offersOf(bundle).stream().map(Offer::id).collect(Collectors.toCollection(TreeSet::new)));
    }

    private String when() {
        return interactive ? "" : "; the next start of Luthier has it";
    }

    private static String labels(Collection<Bundle> bundles) {
        return bundles.stream().map(PluginBundles::label).collect(Collectors.joining(", "));
    }

    private static String label(Bundle bundle) {
        return bundle.getSymbolicName() + " " + bundle.getVersion();
    }

    /** What a bundle lacks, without the framework's numbers. */
    private static String reason(BundleException e) {
        String message = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
        int missing = message.indexOf("missing requirement");
        String reason = missing < 0 ? message : message.substring(missing);
        return e.getCause() == null ? reason : reason + " (" + e.getCause().getMessage() + ")";
    }
}
