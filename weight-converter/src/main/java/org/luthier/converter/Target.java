package org.luthier.converter;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.luthier.api.LuthierException;

/** What a checkpoint can be converted to. */
public enum Target {
    /** One safetensors file with canonical names. */
    SAFETENSORS("safetensors", List.of(".safetensors")),
    /** A T5X folder with the names of the original. */
    T5X("t5x", List.of()),
    /** A PyTorch zip file with the names of the family's ports to PyTorch. */
    TORCH("torch", List.of(".pth", ".pt", ".bin"));

    private final String id;
    private final List<String> suffixes;

    Target(String id, List<String> suffixes) {
        this.id = id;
        this.suffixes = suffixes;
    }

    /** Id of the file format, as the readers call it. */
    public String id() {
        return id;
    }

    /**
     * The format with an id.
     *
     * @throws LuthierException if there is none
     */
    public static Target named(String id) {
        return Arrays.stream(values())
                .filter(target -> target.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new LuthierException("'" + id + "' cannot be written; there are: "
                        + Arrays.stream(values()).map(Target::id).collect(Collectors.joining(", "))));
    }

    /**
     * The format that a path is named for; a name without a suffix is a T5X folder's.
     *
     * @throws LuthierException if its suffix says nothing
     */
    public static Target of(Path path) {
        String name = path.getFileName() == null ? "" : path.getFileName().toString();
        for (Target target : values()) {
            if (target.suffixes.stream().anyMatch(name::endsWith)) {
                return target;
            }
        }
        if (name.indexOf('.') >= 0) {
            throw new LuthierException("'" + name + "' does not tell the format to write: expected .safetensors, .pth,"
                    + " .pt, .bin, or no suffix for a T5X folder; name one with --to");
        }
        return T5X;
    }
}
