"""How sure an answer is: several answers averaged, distance from the training, and when a person must decide."""
