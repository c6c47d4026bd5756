package org.luthier.shell;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.files.text.TextTable;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.ModelCatalog;
import org.luthier.workbench.Versions;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code env}: what Luthier runs on. Reads names and properties only; no native library is loaded for it. */
@Component(service = ShellCommand.class)
public final class Env extends WorkbenchCommand<Env.Options> {
    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");

    private final Surroundings surroundings;

    @Activate
    public Env(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
        this.surroundings = surroundings;
    }

    @Command(
            name = "env",
            description = "Shows processor, ND4J variant, backend, threads, folders, models and versions.",
            footerHeading = "%nExamples:%n",
            footer = {"  luthier env", "  luthier env --json"})
    static final class Options extends CommonOptions {
        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        options.json.print(console, this::facts, () -> table(facts()));
        return DONE;
    }

    private static String table(Map<String, Object> facts) {
        TextTable table = new TextTable();
        facts.forEach((name, value) -> {
            if (value instanceof List<?> several) {
                String first = name;
                for (Object each : several) {
                    table.row(first, each);
                    first = "";
                }
            } else if (value != null) {
                table.row(name, value);
            }
        });
        return table.toString();
    }

    private Map<String, Object> facts() {
        ClassPath jars = new ClassPath(System.getProperty("java.class.path"));
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("luthier", Versions.luthier());
        facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        facts.put("processor", processor());
        facts.put("cores", Runtime.getRuntime().availableProcessors());
        facts.put("backend", workbench.execution().backend());
        facts.put("kernels", workbench.execution().kernels());
        facts.put("threads", workbench.execution().workers());
        facts.put("variant", jars.variant());
        facts.put("heap", (Runtime.getRuntime().maxMemory() >> 20) + " MB");
        facts.put("java", Runtime.version() + " (" + System.getProperty("java.vendor") + ")");
        facts.put("nd4j", jars.version("nd4j-api"));
        facts.put("javacpp", jars.version("javacpp"));
        facts.put("openblas", jars.version("openblas"));
        facts.put("ffmpeg", jars.version("ffmpeg"));
        facts.put("felix", jars.version("org.apache.felix.framework"));
        facts.put("install", surroundings.property("luthier.root"));
        facts.put("home", surroundings.property("luthier.home"));
        facts.put("cache", surroundings.property("luthier.cache"));
        facts.put("plugins", surroundings.property("luthier.plugins"));
        facts.put("model folders", folders());
        facts.put(
                "models", workbench.catalog().items().stream().map(this::model).toList());
        return facts;
    }

    private List<String> folders() {
        return List.of(surroundings.property("luthier.models", "").split(Pattern.quote(File.pathSeparator)));
    }

    private String model(ModelCatalog.Item item) {
        return item.id() + ": "
                + (item.definition() == null ? item.trouble() : ModelList.state(item.definition(), workbench));
    }

    /** What Linux calls the processor; elsewhere only its kind. */
    private static String processor() {
        try (var lines = Files.lines(PROCESSOR, StandardCharsets.UTF_8)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElseGet(() -> System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }

    /** The jars that the process was started with, whose names tell versions and variants without loading anything. */
    record ClassPath(String jars) {
        String version(String artifact) {
            return find(artifact, "(\\d[\\d.]*(?:-[A-Z]*[\\d.]*)?)", "");
        }

        /** For example {@code linux-x86_64-avx2}: the build of ND4J's arithmetic that was chosen for the processor. */
        String variant() {
            return find(
                    "nd4j-(?:native|cuda-[\\d.]+)",
                    "[\\d.]+(?:-M[\\d.]+)?(?:-SNAPSHOT)?-",
                    "((?:linux|macosx|windows)-[^/\\\\]+?)");
        }

        private String find(String artifact, String version, String classifier) {
            for (String jar : jars.split(Pattern.quote(File.pathSeparator))) {
                Matcher name = Pattern.compile(artifact + "-" + version + classifier + "\\.jar")
                        .matcher(new File(jar).getName());
                if (name.matches()) {
                    return name.group(1);
                }
            }
            return "unknown";
        }
    }
}
