package org.luthier.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.felix.framework.Logger;
import org.apache.felix.framework.util.FelixConstants;
import org.nd4j.common.config.ND4JClassLoading;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * A running framework with what the feature files name. Several may run in one Java machine and in any number of processes.
 *
 * <p>{@code try (Launcher luthier = Launcher.start(folders, Launcher.Mode.COMMAND, Map.of())) { luthier.run("env"); }}
 */
public final class Launcher implements AutoCloseable {
    private static final List<String> ALWAYS = List.of("core", "models");
    /** The last of Felix's "missing requirement" is the one that the others follow from. */
    private static final Pattern MISSING_PACKAGE =
            Pattern.compile(".*missing requirement .*?osgi\\.wiring\\.package=([^)]+)\\)"
                    + "(?:\\(version>=([^)]+)\\))?(?:\\(!\\(version>=([^)]+)\\)\\))?.*?");

    private static final String SHELL = "shell";
    private static final String PLUGINS = "plugins";

    private final Framework framework;
    private final FrameworkFolder folder;

    /** What a framework is started for. */
    public enum Mode {
        /** One command; the plug-ins folder is looked at if there is one. */
        COMMAND,
        /** Many commands, from wherever; the plug-ins folder is made and watched. */
        SESSION,
        /** The same with a shell on the terminal. */
        TERMINAL
    }

    private Launcher(Framework framework, FrameworkFolder folder) {
        this.framework = framework;
        this.folder = folder;
    }

    /**
     * Starts a framework: every bundle of the features is active when this returns, and the plug-ins of the plug-ins folder are.
     *
     * @param properties framework properties, over those that the launcher sets itself
     * @throws LaunchException if something is missing or does not resolve
     */
    public static Launcher start(Folders folders, Mode mode, Map<String, String> properties) {
        FrameworkFolder folder = FrameworkFolder.create(folders.cache().resolve("frameworks"));
        Framework framework = null;
        try {
            List<Path> jars = Features.jars(folders.install(), features(folders.plugins(), mode));
            Map<String, String> all = properties(folders, folder.path(), mode);
            all.putAll(properties);
            prepareNatives(folders.cache());
            framework = framework(all);
            framework.start();
            startBundles(framework.getBundleContext(), jars);
            return new Launcher(framework, folder);
        } catch (BundleException e) {
            boolean full = folder.isFull();
            close(framework, folder);
            if (full) {
                throw LaunchException.failed(
                        "the disk of " + folders.cache()
                                + " is full, so Luthier does not start; make room there, or set LUTHIER_CACHE to a folder on"
                                + " another disk",
                        e);
            }
            throw LaunchException.failed("the framework does not start: " + oneLine(e), e);
        } catch (RuntimeException e) {
            close(framework, folder);
            throw e;
        }
    }

    private static List<String> features(Path plugins, Mode mode) {
        List<String> features = new ArrayList<>(ALWAYS);
        if (mode == Mode.TERMINAL) {
            features.add(SHELL);
        }
        if (mode != Mode.COMMAND) {
            try {
                Files.createDirectories(plugins);
            } catch (IOException e) {
                throw LaunchException.failed("cannot make the plug-ins folder " + plugins + " (" + e.getMessage()
                        + "); set LUTHIER_HOME to a folder that you can write");
            }
        }
        // Last, so that the plug-ins find everything else there.
        if (Files.isDirectory(plugins)) {
            features.add(PLUGINS);
        }
        return features;
    }

    private static Map<String, String> properties(Folders folders, Path framework, Mode mode) {
        Map<String, String> properties = new HashMap<>();
        properties.put("luthier.root", folders.install().toString());
        properties.put("luthier.home", folders.home().toString());
        properties.put("luthier.cache", folders.cache().toString());
        properties.put("luthier.plugins", folders.plugins().toString());
        properties.put(
                "luthier.models",
                folders.home().resolve("models")
                        + File.pathSeparator
                        + folders.install().resolve("models"));
        properties.put("luthier.interactive", Boolean.toString(mode != Mode.COMMAND));
        properties.put("luthier.backend", "cpu");
        properties.put("luthier.workers", Integer.toString(Runtime.getRuntime().availableProcessors()));

        properties.put(Constants.FRAMEWORK_STORAGE, framework.resolve("felix").toString());
        // A rebuilt plug-in comes with the same name and version; it must be able to stand beside the old one.
        properties.put(Constants.FRAMEWORK_BSNVERSION, Constants.FRAMEWORK_BSNVERSION_MULTIPLE);
        properties.put(
                Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
                SystemPackages.of(System.getProperty("java.class.path"), folders.cache()));
        // JLine looks for the signals of the terminal there, without importing the package.
        properties.put(Constants.FRAMEWORK_BOOTDELEGATION, "sun.misc");
        properties.put("felix.log.level", "1");
        properties.put("ds.loglevel", "error");

        properties.put("felix.fileinstall.dir", folders.plugins().toString());
        properties.put(
                "felix.fileinstall.tmpdir", framework.resolve("fileinstall").toString());
        properties.put("felix.fileinstall.filter", ".*\\.jar");
        properties.put("felix.fileinstall.poll", "500");
        properties.put("felix.fileinstall.noInitialDelay", "true");
        properties.put("felix.fileinstall.bundles.startTransient", "true");
        properties.put("felix.fileinstall.subdir.mode", "skip");
        properties.put("felix.fileinstall.log.level", "0");

        properties.put("gosh.home", folders.install().toString());
        // The end of the shell is seen to by who started it.
        properties.put("gosh.args", "--nohistory --noshutdown");
        return properties;
    }

    private static Framework framework(Map<String, String> properties) {
        Map<String, Object> configuration = new HashMap<>(properties);
        configuration.put(FelixConstants.LOG_LOGGER_PROP, new ErrorStreamLogger());
        FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class, Launcher.class.getClassLoader())
                .findFirst()
                .orElseThrow(() -> LaunchException.failed("no framework is on the class path; build Luthier again"));
        // The interface says strings; Felix takes its logger as an object.
        @SuppressWarnings({"unchecked", "rawtypes"})
        Map<String, String> mixed = (Map) configuration;
        return factory.newFramework(mixed);
    }

    /** Must come before anything touches ND4J: it looks for its backend in the class loader of this moment. */
    private static void prepareNatives(Path cache) {
        Properties properties = System.getProperties();
        properties.putIfAbsent(
                "org.bytedeco.javacpp.cachedir", cache.resolve("javacpp").toString());
        // JavaCPP would allow no more native memory than the heap may have, and look at all of it at every allocation.
        properties.putIfAbsent("org.bytedeco.javacpp.maxbytes", "0");
        properties.putIfAbsent("org.bytedeco.javacpp.maxphysicalbytes", "0");
        ND4JClassLoading.setNd4jClassloader(Launcher.class.getClassLoader());
    }

    private static void startBundles(BundleContext context, List<Path> jars) throws BundleException {
        List<Bundle> bundles = new ArrayList<>();
        for (Path jar : jars) {
            // In place, without a copy. Felix decodes the address as a form, in which a plus is a space.
            bundles.add(
                    context.installBundle("reference:" + jar.toUri().toString().replace("+", "%2B")));
        }
        for (Bundle bundle : bundles) {
            try {
                bundle.start();
            } catch (BundleException e) {
                throw LaunchException.failed(
                        bundle.getSymbolicName() + " " + bundle.getVersion() + " does not start: " + oneLine(e), e);
            }
        }
    }

    /** Why a bundle does not start; what it lacks is told plainly, out of Felix's long message. */
    static String oneLine(BundleException e) {
        String message = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
        if (e.getType() == BundleException.RESOLVE_ERROR) {
            Matcher missing = MISSING_PACKAGE.matcher(message);
            if (missing.matches()) {
                String from = missing.group(2);
                String below = missing.group(3);
                return "nobody exports the package " + missing.group(1)
                        + (from == null ? "" : ", version " + (below == null ? from : "[" + from + "," + below + ")"));
            }
        }
        return e.getCause() == null ? message : message + " (" + e.getCause() + ")";
    }

    /** The context of the system bundle: everything that there is can be reached from it. */
    public BundleContext context() {
        return framework.getBundleContext();
    }

    /**
     * Runs one command on this thread. To interrupt the thread is to ask the command to end.
     *
     * @param command its name and its arguments
     * @return the exit code
     */
    public int run(String... command) {
        ServiceReference<ToIntFunction<String[]>> reference = main();
        try {
            return context().getService(reference).applyAsInt(command);
        } finally {
            context().ungetService(reference);
        }
    }

    @SuppressWarnings("unchecked")
    private ServiceReference<ToIntFunction<String[]>> main() {
        try {
            ServiceReference<?>[] found =
                    context().getServiceReferences(ToIntFunction.class.getName(), "(luthier.main=true)");
            if (found == null) {
                throw LaunchException.failed("the commands did not start: no service has luthier.main=true");
            }
            return (ServiceReference<ToIntFunction<String[]>>) found[0];
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Stops the framework and removes its folder. */
    @Override
    public void close() {
        close(framework, folder);
    }

    private static void close(Framework framework, FrameworkFolder folder) {
        try {
            if (framework != null) {
                framework.stop();
                framework.waitForStop(10_000);
            }
        } catch (BundleException e) {
            System.err.println("luthier: warning: the framework does not stop: " + oneLine(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            folder.close();
        }
    }

    /** Felix would write to the standard output, which belongs to the command. */
    private static final class ErrorStreamLogger extends Logger {
        @Override
        protected void doLog(int level, String message, Throwable cause) {
            System.err.println("luthier: framework: " + message);
        }
    }
}
