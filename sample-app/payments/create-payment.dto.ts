import { ApiProperty } from '@nestjs/swagger';
import { IsIBAN, IsISO4217CurrencyCode, IsString, Length, Matches } from 'class-validator';

/** The body of `POST /payments`. */
export class CreatePaymentDto {
  /** Decimal, as a string, and more than zero: `"12.50"`. */
  @ApiProperty({ example: '12.50' })
  @IsString()
  @Matches(/^(?=.*[1-9])\d{1,12}(\.\d{1,2})?$/, {
    message: 'amount must be a decimal above 0, such as "12.50"',
  })
  readonly amount!: string;

  @ApiProperty({ example: 'EUR' })
  @IsISO4217CurrencyCode()
  readonly currency!: string;

  @ApiProperty({ example: 'DE89370400440532013000' })
  @IsIBAN()
  readonly creditorIban!: string;

  /** What the payment is for. */
  @ApiProperty({ example: 'Rent' })
  @IsString()
  @Length(1, 140)
  readonly reference!: string;
}
