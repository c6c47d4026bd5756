package org.luthier.converter;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.files.AtomicFile;
import org.luthier.files.Sha256;

/**
 * Converts a checkpoint to safetensors with the canonical names of its model family, and writes the ledger beside it.
 *
 * <p>The same source gives the same bytes: weights are sorted by name and keep their type, and the metadata ({@code format}
 * {@value #FORMAT}, {@code family}, {@code source}, {@code sourceSha256}) holds no path and no date. Both files are written whole or not
 * at all.
 */
public final class Converter {
    /** Value of {@code format} in the metadata. */
    public static final String FORMAT = "luthier-weights/1";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Checkpoints checkpoints;
    private final List<ModelFamily> families;

    /**
     * @param checkpoints opens the sources
     * @param families whose checkpoints can be converted
     */
    public Converter(Checkpoints checkpoints, List<ModelFamily> families) {
        this.checkpoints = checkpoints;
        this.families = List.copyOf(families);
    }

    /** Where the ledger of a target goes if nothing else is said: {@code x.safetensors} has {@code x.ledger.json}. */
    public static Path ledgerBeside(Path target) {
        String name = target.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return target.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ".ledger.json");
    }

    /**
     * Converts a checkpoint.
     *
     * @param source the checkpoint
     * @param family id of its model family, or null for the one that recognises it
     * @param target the safetensors file to write
     * @param ledger the ledger to write
     * @param overwrite whether existing files may be replaced
     * @throws LuthierException if the family is unknown or not certain, a tensor is not accounted for or holds a NaN or an infinity, or
     *     a file cannot be read or written
     */
    public Conversion convert(Path source, String family, Path target, Path ledger, boolean overwrite) {
        refuseSame(source, target);
        refuseSame(source, ledger);
        refuseSame(target, ledger);
        AtomicFile.check(target, overwrite);
        AtomicFile.check(ledger, overwrite);
        try (Checkpoint checkpoint = checkpoints.open(source)) {
            ModelFamily chosen = family == null ? recognise(checkpoint) : named(family);
            MappedWeights weights =
                    NameRules.choose(chosen.nameRules(), checkpoint).apply(checkpoint, chosen.id());
            List<SafetensorsWriter.Tensor> tensors = weights.tensors().stream()
                    .sorted(Comparator.comparing(TensorInfo::name))
                    .map(info -> new SafetensorsWriter.Tensor(
                            info.name(), info.dtype(), info.shape(), weights.bytes(info.name())))
                    .toList();
            Ledger account = weights.ledger();
            Map<String, String> metadata = Map.of(
                    "format", FORMAT,
                    "family", account.family(),
                    "source", account.source(),
                    "sourceSha256", account.sourceSha256());
            // The weights are written while the ledger is still a temporary file: both appear or none does.
            AtomicFile.write(ledger, overwrite, out -> {
                AtomicFile.write(
                        target, overwrite, weightsOut -> SafetensorsWriter.write(weightsOut, metadata, tensors));
                write(out, account, target.getFileName().toString(), Sha256.hex(target));
            });
            return new Conversion(account, target, Sha256.hex(target));
        }
    }

    private ModelFamily recognise(Checkpoint checkpoint) {
        List<ModelFamily> found = families.stream()
                .filter(family -> family.recognises(checkpoint))
                .toList();
        if (found.size() != 1) {
            throw new CheckpointException(
                    checkpoint.name(),
                    -1,
                    "unknown-family",
                    (found.isEmpty() ? "no model family recognises it" : "it could be of the families " + ids(found))
                            + "; name one of " + ids(families) + " with --family");
        }
        return found.get(0);
    }

    private ModelFamily named(String id) {
        return families.stream()
                .filter(family -> family.id().equals(id))
                .findFirst()
                .orElseThrow(() ->
                        new LuthierException("there is no model family '" + id + "'; there are: " + ids(families)));
    }

    private static String ids(List<ModelFamily> families) {
        return families.stream().map(ModelFamily::id).collect(Collectors.joining(", "));
    }

    private static void refuseSame(Path one, Path other) {
        try {
            if (one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize())
                    || Files.exists(one) && Files.exists(other) && Files.isSameFile(one, other)) {
                throw new LuthierException("cannot write " + other + ": it is used twice, name another file");
            }
        } catch (IOException e) {
            throw new LuthierException("cannot read " + one + ": " + e.getMessage(), e);
        }
    }

    /** One line an entry, so that two ledgers can be compared line by line. */
    private static void write(OutputStream out, Ledger ledger, String target, String targetSha256) throws IOException {
        ObjectNode head = JSON.createObjectNode();
        head.put("source", ledger.source());
        head.put("sourceSha256", ledger.sourceSha256());
        head.put("family", ledger.family());
        head.put("target", target);
        head.put("targetSha256", targetSha256);
        StringBuilder text = new StringBuilder(JSON.writeValueAsString(head));
        text.setLength(text.length() - 1);
        text.append(",\"entries\":[");
        String separator = "\n";
        for (Ledger.Entry entry : ledger.entries()) {
            text.append(separator).append(JSON.writeValueAsString(entry));
            separator = ",\n";
        }
        out.write(text.append("\n]}\n").toString().getBytes(StandardCharsets.UTF_8));
    }
}
