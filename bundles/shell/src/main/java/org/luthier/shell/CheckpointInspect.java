package org.luthier.shell;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.LuthierException;
import org.luthier.api.UsageException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.TensorStatistics;
import org.luthier.debug.NameGlob;
import org.luthier.files.Sha256;
import org.luthier.files.text.TextTable;
import org.luthier.shell.internal.CommonOptions;
import org.luthier.shell.internal.Console;
import org.luthier.shell.internal.Interruption;
import org.luthier.shell.internal.ShellCommand;
import org.luthier.shell.internal.Surroundings;
import org.luthier.workbench.Workbench;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code checkpoint:inspect}: what a checkpoint holds. */
@Component(service = ShellCommand.class)
public final class CheckpointInspect extends WorkbenchCommand<CheckpointInspect.Options> {
    private static final String[] STATISTICS = {
        "TENSOR", "TYPE", "SHAPE", ">MIN", ">MAX", ">MEAN", ">STD", ">L2", ">NAN", ">INF", ">ZEROS"
    };

    @Activate
    public CheckpointInspect(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "checkpoint:inspect",
            description = {
                "Shows what a checkpoint holds.",
                "Format, model family and the model that fits, tensors with their sha256, metadata and warnings. A tensor that cannot be read is told, and the exit code"
                        + " is 1; with --json its sha256 is null."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier checkpoint:inspect weights.safetensors",
                "  luthier checkpoint:inspect model.json --json",
                "  luthier checkpoint:inspect model.ckpt --names '*.attention.*' --statistics"
            })
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "CHECKPOINT", description = "File or folder; its format is told by its content.")
        Path path;

        @Option(
                names = "--names",
                paramLabel = "GLOB",
                description = "Only tensors whose name fits: * is any text, ? any one character.")
        String names;

        @Option(
                names = "--statistics",
                description =
                        "Read the values too: min, max, mean, standard deviation, L2 norm, and how many are NaN, infinite and zero.")
        boolean statistics;

        @Mixin
        JsonOption json;

        List<TensorInfo> tensors(Checkpoint checkpoint) {
            if (names == null) {
                return List.copyOf(checkpoint.tensors().values());
            }
            NameGlob fits = NameGlob.one(names);
            List<TensorInfo> chosen = checkpoint.tensors().values().stream()
                    .filter(tensor -> fits.matches(tensor.name()))
                    .toList();
            if (chosen.isEmpty()) {
                throw new UsageException("--names: none of the "
                        + checkpoint.tensors().size() + " tensors of " + path + " fits '" + names + "'");
            }
            return chosen;
        }
    }

    @Override
    protected int run(Options options, Console console) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(options.path)) {
            Kind kind = kind(checkpoint, options.path);
            List<TensorInfo> tensors = options.tensors(checkpoint);
            List<String> damage = new ArrayList<>();
            options.json.print(
                    console,
                    () -> describe(checkpoint, kind, tensors, options.statistics, damage),
                    () -> table(checkpoint, kind, tensors, options.statistics, damage));
            if (!options.json.asked) {
                // The JSON object has them.
                checkpoint.warnings().forEach(console::warn);
            }
            damage.forEach(console::fail);
            return damage.isEmpty() ? DONE : FAILED;
        }
    }

    /**
     * What a checkpoint is of.
     *
     * @param family the one that recognises it, or null if none does or several do
     * @param variant the family's one model that it fits, else the one that it describes itself, or null
     */
    private record Kind(String family, String variant) {}

    private Kind kind(Checkpoint checkpoint, Path path) {
        return Families.with(workbench, all -> {
            List<ModelFamily> families =
                    all.stream().filter(family -> family.recognises(checkpoint)).toList();
            if (families.size() != 1) {
                return new Kind(null, null);
            }
            ModelFamily family = families.get(0);
            List<String> models = workbench.catalog().models().stream()
                    .filter(model -> model.family().equals(family.id()) && family.fits(model, checkpoint))
                    .map(ModelDefinition::id)
                    .toList();
            return new Kind(
                    family.id(),
                    models.size() == 1 ? models.get(0) : models.isEmpty() ? described(family, checkpoint, path) : null);
        });
    }

    private static String described(ModelFamily family, Checkpoint checkpoint, Path path) {
        try {
            return family.definition(checkpoint, path).map(ModelDefinition::id).orElse(null);
        } catch (LuthierException e) {
            // It can be looked into, whatever it says of itself.
            return null;
        }
    }

    /** @param damage takes why tensors could not be read; they have neither checksum nor statistics */
    private static Map<String, Object> describe(
            Checkpoint checkpoint, Kind kind, List<TensorInfo> tensors, boolean statistics, List<String> damage) {
        Interruption cancellation = new Interruption();
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("format", checkpoint.format());
        description.put("family", kind.family());
        description.put("variant", kind.variant());
        description.put(
                "tensors",
                tensors.stream()
                        .map(tensor -> {
                            cancellation.check();
                            ByteBuffer bytes = read(checkpoint, tensor, damage);
                            Map<String, Object> described = describe(tensor, bytes == null ? null : Sha256.hex(bytes));
                            if (statistics) {
                                described.put(
                                        "statistics",
                                        bytes == null
                                                ? null
                                                : TensorStatistics.of(tensor, bytes)
                                                        .asMap());
                            }
                            return described;
                        })
                        .toList());
        description.put("metadata", checkpoint.metadata());
        description.put("warnings", checkpoint.warnings());
        return description;
    }

    /** Null if it cannot be read. */
    private static ByteBuffer read(Checkpoint checkpoint, TensorInfo tensor, List<String> damage) {
        try {
            return checkpoint.read(tensor.name());
        } catch (CheckpointException e) {
            damage.add(e.getMessage());
            return null;
        }
    }

    private static Map<String, Object> describe(TensorInfo tensor, String sha256) {
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("name", tensor.name());
        description.put("shape", tensor.shape());
        description.put("dtype", tensor.dtype());
        description.put("sha256", sha256);
        return description;
    }

    private static String table(
            Checkpoint checkpoint, Kind kind, List<TensorInfo> chosen, boolean statistics, List<String> damage) {
        Interruption cancellation = new Interruption();
        TextTable head = new TextTable()
                .row("format", checkpoint.format())
                .row("family", kind.family() == null ? "unknown" : kind.family())
                .row("variant", kind.variant() == null ? "unknown" : kind.variant())
                .row("sha256", checkpoint.sha256())
                .row("tensors", size(checkpoint.tensors().values()));
        // Named as such: files have a "format" and a "family" of their own.
        checkpoint.metadata().forEach((name, value) -> head.row("metadata", name + " = " + value));
        TextTable tensors = statistics ? new TextTable(STATISTICS) : new TextTable();
        for (TensorInfo tensor : chosen) {
            cancellation.check();
            ByteBuffer bytes = read(checkpoint, tensor, damage);
            List<Object> row = new ArrayList<>(List.of(tensor.name(), tensor.dtype(), tensor.shape()));
            if (bytes != null && !statistics) {
                row.add(Sha256.hex(bytes));
            } else if (bytes != null) {
                TensorStatistics values = TensorStatistics.of(tensor, bytes);
                for (double number :
                        new double[] {values.min(), values.max(), values.mean(), values.std(), values.l2()}) {
                    row.add(Double.isNaN(number) ? "-" : String.format(Locale.ROOT, "%.4g", number));
                }
                row.addAll(List.of(values.nan(), values.infinite(), values.zeros()));
            }
            tensors.row(row.toArray());
        }
        return head + "\n" + tensors;
    }

    private static String size(Collection<TensorInfo> tensors) {
        // Not a sum of longs: a file may claim anything.
        double values = tensors.stream().mapToDouble(TensorInfo::elements).sum();
        double bytes = tensors.stream()
                .mapToDouble(
                        tensor -> (double) tensor.elements() * tensor.dtype().bytes())
                .sum();
        return String.format(Locale.ROOT, "%d, %.0f values, %.1f MB", tensors.size(), values, bytes / 1e6);
    }
}
