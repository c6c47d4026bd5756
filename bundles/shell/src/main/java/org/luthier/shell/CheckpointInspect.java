package org.luthier.shell;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
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
import picocli.CommandLine.Parameters;

/** {@code checkpoint:inspect}: what a checkpoint holds. */
@Component(service = ShellCommand.class)
public final class CheckpointInspect extends WorkbenchCommand<CheckpointInspect.Options> {
    @Activate
    public CheckpointInspect(@Reference Surroundings surroundings, @Reference Workbench workbench) {
        super(surroundings, workbench, Options::new);
    }

    @Command(
            name = "checkpoint:inspect",
            description = {
                "Shows what a checkpoint holds.",
                "Format, model family, tensors, metadata and warnings. With --json every tensor is read and has its sha256; one that cannot be"
                        + " read has null, and the exit code is 1."
            },
            footerHeading = "%nExamples:%n",
            footer = {
                "  luthier checkpoint:inspect weights.safetensors",
                "  luthier checkpoint:inspect model.json --json"
            })
    static final class Options extends CommonOptions {
        @Parameters(paramLabel = "CHECKPOINT", description = "File or folder; its format is told by its content.")
        Path path;

        @Mixin
        JsonOption json;
    }

    @Override
    protected int run(Options options, Console console) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(options.path)) {
            List<String> families = Families.with(
                    workbench,
                    all -> all.stream()
                            .filter(family -> family.recognises(checkpoint))
                            .map(ModelFamily::id)
                            .toList());
            String family = families.size() == 1 ? families.get(0) : null;
            List<String> damage = new ArrayList<>();
            options.json.print(console, () -> describe(checkpoint, family, damage), () -> table(checkpoint, family));
            if (!options.json.asked) {
                // The JSON object has them.
                checkpoint.warnings().forEach(console::warn);
            }
            damage.forEach(console::fail);
            return damage.isEmpty() ? DONE : FAILED;
        }
    }

    /** @param damage takes why tensors could not be read; they have no checksum */
    private static Map<String, Object> describe(Checkpoint checkpoint, String family, List<String> damage) {
        Interruption cancellation = new Interruption();
        Map<String, Object> description = new LinkedHashMap<>();
        description.put("format", checkpoint.format());
        description.put("family", family);
        // No family of this version has variants.
        description.put("variant", null);
        description.put(
                "tensors",
                checkpoint.tensors().values().stream()
                        .map(tensor -> {
                            cancellation.check();
                            return describe(tensor, sha256(checkpoint, tensor.name(), damage));
                        })
                        .toList());
        description.put("metadata", checkpoint.metadata());
        description.put("warnings", checkpoint.warnings());
        return description;
    }

    private static String sha256(Checkpoint checkpoint, String tensor, List<String> damage) {
        try {
            return Sha256.hex(checkpoint.read(tensor));
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

    private static String table(Checkpoint checkpoint, String family) {
        TextTable head = new TextTable()
                .row("format", checkpoint.format())
                .row("family", family == null ? "unknown" : family)
                .row("sha256", checkpoint.sha256());
        // Named as such: files have a "format" and a "family" of their own.
        checkpoint.metadata().forEach((name, value) -> head.row("metadata", name + " = " + value));
        TextTable tensors = new TextTable();
        checkpoint.tensors().values().forEach(tensor -> tensors.row(tensor.name(), tensor.dtype(), tensor.shape()));
        return head + "\n" + tensors;
    }
}
