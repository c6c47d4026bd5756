package org.luthier.converter;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.Model;
import org.luthier.api.model.ModelDefinition;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.yourmt3.YourMt3Family;
import org.nd4j.linalg.factory.Nd4j;

/** Loads a checkpoint as the model that it describes, and tells how much memory that took. */
final class YourMt3Loader {
    private YourMt3Loader() {}

    /** What Linux knows of a process. */
    static final Path STATUS = Path.of("/proc/self/status");

    /** @param arguments the checkpoint, and a file for the most memory that was taken beyond what ND4J takes by itself, in bytes */
    public static void main(String[] arguments) throws IOException {
        Path path = Path.of(arguments[0]);
        Nd4j.zeros(1).close();
        long before = resident();
        YourMt3Family family = new YourMt3Family();
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(path)) {
            ModelDefinition definition = family.definition(checkpoint, path).orElseThrow();
            MappedWeights weights =
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id());
            try (Model model = family.load(definition, weights, new Execution("cpu", "cpu", 1))) {
                weights.finish();
                Files.writeString(Path.of(arguments[1]), String.valueOf(resident() - before));
                if (model.ledger().entries().size() != checkpoint.tensors().size()) {
                    throw new IllegalStateException("not every tensor is accounted for");
                }
            }
        }
    }

    /** The most memory that the process ever had, in bytes. */
    private static long resident() throws IOException {
        String line = Files.readAllLines(STATUS).stream()
                .filter(each -> each.startsWith("VmHWM:"))
                .findFirst()
                .orElseThrow();
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
}
